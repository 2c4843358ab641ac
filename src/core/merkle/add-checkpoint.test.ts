import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SallyportError } from '#error'
import { encodeAddCheckpoint, parseAddCheckpoint } from './add-checkpoint.ts'

const checkpoint = 'log.example\n1\nAAAA\n\n— log.example AAAA\n'
const hash = Buffer.alloc(32, 7).toString('base64')
const bytes = (text: string): Uint8Array => Buffer.from(text)

function refused(body: Uint8Array | string): void {
  const given = typeof body === 'string' ? bytes(body) : body
  assert.throws(
    () => parseAddCheckpoint(given),
    (error) => error instanceof SallyportError && error.code === 'WITNESS_REQUEST_MALFORMED',
    Buffer.from(given).toString().slice(0, 80),
  )
}

test('C2SP tlog-witness: old size, proof and checkpoint are read as they are written', () => {
  const read = parseAddCheckpoint(bytes(`old 20852014\n${hash}\n${hash}\n\n${checkpoint}`))
  assert.equal(read.old, 20_852_014)
  assert.equal(read.consistency.length, 2)
  assert.equal(read.checkpoint, checkpoint)
})

test('C2SP tlog-witness: what is not an old size, up to 63 hashes, an empty line and a checkpoint is refused', () => {
  const head = (text: string): string => `${text}\n\n${checkpoint}`
  for (const wrong of [
    '',
    '\n',
    'old 1',
    'old 1\n',
    head(''),
    head('old'),
    head('old '),
    head('old -1'),
    head('old 01'),
    head('old 1 '),
    head(' old 1'),
    head('Old 1'),
    head('old 1e3'),
    head('old 9007199254740992'),
    head('old 18446744073709551615'),
    head('old 1\r'),
    head(`old 1\n${hash} `),
    head(`old 1\n${hash.slice(0, -1)}`),
    head(`old 1\n${Buffer.alloc(31).toString('base64')}`),
    head(`old 1\n${Buffer.alloc(33).toString('base64')}`),
    head(`old 1\n${Array.from({ length: 64 }, () => hash).join('\n')}`),
  ])
    refused(wrong)
  refused(Uint8Array.of(0x6f, 0x6c, 0x64, 0x20, 0x31, 0x0a, 0x0a, 0xff))
})

test('63 hashes are not too many', () => {
  const lines = Array.from({ length: 63 }, () => hash).join('\n')
  const { consistency } = parseAddCheckpoint(bytes(`old 1\n${lines}\n\n${checkpoint}`))
  assert.equal(consistency.length, 63)
})

test('whatever is written is read again', () => {
  const requests = fc.record({
    old: fc.maxSafeNat(),
    consistency: fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 63 }),
    checkpoint: fc.string({ unit: 'grapheme' }),
  })
  fc.assert(
    fc.property(requests, (request) => {
      const { consistency, ...rest } = parseAddCheckpoint(bytes(encodeAddCheckpoint(request)))
      assert.deepEqual(rest, { old: request.old, checkpoint: request.checkpoint })
      assert.deepEqual(
        consistency.map((one) => Buffer.from(one).toString('hex')),
        request.consistency.map((one) => Buffer.from(one).toString('hex')),
      )
    }),
  )
})

test('any bytes are either read or refused with a problem', () => {
  const piece = fc.constantFrom('old ', '1', '0', '\n', '\n\n', hash, '— ', '\u0000', '\r', 'x')
  const bodies = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.array(piece, { maxLength: 12 }).map((parts) => bytes(parts.join(''))),
  )
  fc.assert(
    fc.property(bodies, (body) => {
      try {
        const read = parseAddCheckpoint(body)
        assert.deepEqual(Buffer.from(encodeAddCheckpoint(read)), Buffer.from(body))
      } catch (error) {
        assert.ok(error instanceof SallyportError, String(error))
      }
    }),
    { numRuns: 2000 },
  )
})
