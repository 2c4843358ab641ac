import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  bundleOf,
  encodeBundle,
  encodeEnvelope,
  encodeStatement,
  pae,
  parseAttestation,
  parseBundle,
  parseEnvelope,
  parseJws,
  parseJwt,
  parseStatement,
  readApproval,
  readProvenance,
  splitAttestations,
  statementTypes,
  type Envelope,
  type ResourceDescriptor,
  type Statement,
} from '#attestation'
import { parseJson, type JsonObject } from '#document'
import { SallyportError } from '#error'
import { decodeBase64 } from './base64.ts'
import { realBundle, realEnvelope, realProvenance, realToken } from './testing/samples.ts'

const parsers: Readonly<Record<string, (bytes: Uint8Array) => unknown>> = {
  parseStatement,
  parseEnvelope,
  parseBundle,
  parseAttestation,
  parseJws,
  parseJwt,
  splitAttestations,
  readProvenance: (bytes) => readProvenance(parseStatement(bytes)),
  readApproval: (bytes) => readApproval(parseStatement(bytes)),
}
const samples = [realBundle, realEnvelope, realProvenance, realToken]

test('a parser given any bytes answers or throws a SallyportError', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), parsesOrRefuses), { numRuns: 300 })
})

test('a parser given any JSON answers or throws a SallyportError', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), (text) => parsesOrRefuses(Buffer.from(text))),
    { numRuns: 300 },
  )
})

test('a parser given a real document with one byte changed answers or throws a SallyportError', () => {
  const change = fc.record({ sample: fc.constantFrom(...samples), at: fc.nat(), byte: fc.nat(255) })
  fc.assert(
    fc.property(change, ({ sample, at, byte }) => {
      const bytes = new Uint8Array(sample)
      bytes[at % bytes.length] = byte
      parsesOrRefuses(bytes)
    }),
    { numRuns: 1_000 },
  )
})

test('a parser given a real document with one value replaced answers or throws a SallyportError', () => {
  const change = fc.record({
    sample: fc.constantFrom(realBundle, realEnvelope, realProvenance),
    at: fc.nat(),
    value: fc.oneof(fc.constant(null), fc.jsonValue({ maxDepth: 2 }), fc.constant({})),
  })
  fc.assert(
    fc.property(change, ({ sample, at, value }) => {
      const document = JSON.parse(Buffer.from(sample).toString('utf8')) as JsonObject
      parsesOrRefuses(Buffer.from(JSON.stringify(replaced(document, at, value))))
    }),
    { numRuns: 1_000 },
  )
})

const hex = (bytes: number) =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .map((array) => Buffer.from(array).toString('hex'))
const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
const json = fc
  .dictionary(text, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 })
  .map((value) => JSON.parse(JSON.stringify(value)) as JsonObject)
  .filter(isPlain)
const descriptor: fc.Arbitrary<ResourceDescriptor> = fc.record(
  {
    name: text,
    uri: text,
    digest: fc.record({ sha256: hex(32), gitCommit: hex(20) }, { requiredKeys: ['sha256'] }),
    mediaType: text,
    annotations: json,
  },
  { requiredKeys: ['digest'] },
)
const statement: fc.Arbitrary<Statement> = fc.record({
  _type: fc.constant(statementTypes.v1),
  subject: fc.array(descriptor, { minLength: 1, maxLength: 4 }),
  predicateType: text,
  predicate: json,
})
const signature = fc.record(
  { keyid: text, sig: fc.uint8Array({ minLength: 1, maxLength: 80 }) },
  { requiredKeys: ['sig'], noNullPrototype: true },
)
const envelope = (most: number): fc.Arbitrary<Envelope> =>
  fc.record(
    {
      payloadType: text,
      payload: fc.uint8Array({ maxLength: 300 }),
      signatures: fc.array(signature, { minLength: 1, maxLength: most }),
    },
    { noNullPrototype: true },
  )

test('a statement that was written is read as the same statement', () => {
  fc.assert(
    fc.property(statement, (value) => {
      assert.deepEqual(normal(parseStatement(encodeStatement(value))), normal(value))
    }),
  )
})

test('an envelope that was written is read as the same envelope', () => {
  fc.assert(
    fc.property(envelope(5), (value) => {
      assert.deepEqual(parseEnvelope(encodeEnvelope(value)), value)
    }),
  )
})

test('a bundle that was written is read as the same bundle', () => {
  fc.assert(
    fc.property(envelope(1), text, (value, hint) => {
      assert.deepEqual(parseBundle(encodeBundle(bundleOf(value, hint))), bundleOf(value, hint))
    }),
  )
})

test('two payloads of different type or content never have the same encoding to sign', () => {
  const confusable = fc.string({ unit: fc.constantFrom('a', 'é', ' ', '1', '0'), maxLength: 4 })
  const part = fc.record({ type: confusable, payload: confusable.map((x) => Buffer.from(x)) })
  fc.assert(
    fc.property(part, part, (one, other) => {
      const isEqual =
        Buffer.compare(pae(one.type, one.payload), pae(other.type, other.payload)) === 0
      const isSame = one.type === other.type && Buffer.compare(one.payload, other.payload) === 0
      assert.equal(isEqual, isSame)
    }),
    { numRuns: 2_000 },
  )
})

test('attestations joined by line breaks are split into the same attestations', () => {
  const part = fc.oneof(
    statement.map((value) => Buffer.from(encodeStatement(value)).toString('utf8')),
    statement.map((value) => JSON.stringify(JSON.parse(encoded(value)), null, 2)),
    fc.constant(Buffer.from(realToken).toString('utf8')),
  )
  const gap = fc.constantFrom('\n', '\r\n', '\n\n', ' \n\t')
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), gap, (parts, between) => {
      const split = splitAttestations(Buffer.from(parts.join(between)))
      assert.deepEqual(
        split.map((bytes) => Buffer.from(bytes).toString('utf8')),
        parts,
      )
    }),
  )
})

test('base64 is accepted in exactly the forms that encoders write', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const standard = Buffer.from(bytes).toString('base64')
      const url = Buffer.from(bytes).toString('base64url')
      const padded = standard.replaceAll('+', '-').replaceAll('/', '_')
      for (const form of [standard, url, padded]) assert.deepEqual(decodeBase64(form, 'x'), bytes)
    }),
  )
})

test('what base64 decodes, it would have written', () => {
  const alphabet = fc.constantFrom('A', 'B', 'a', 'b', '0', '1', '+', '/', '-', '_', '=', ' ', '.')
  fc.assert(
    fc.property(fc.string({ unit: alphabet, maxLength: 12 }), (form) => {
      const bytes = outcome(() => decodeBase64(form, 'x'))
      if (bytes === undefined) return
      const standard = Buffer.from(bytes).toString('base64')
      const padded = standard.replaceAll('+', '-').replaceAll('/', '_')
      assert([standard, padded, padded.replaceAll('=', '')].includes(form), form)
    }),
    { numRuns: 2_000 },
  )
})

function parsesOrRefuses(bytes: Uint8Array): void {
  for (const parse of Object.values(parsers)) outcome(() => parse(bytes))
}

function outcome<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch (error) {
    if (error instanceof SallyportError) return undefined
    throw error
  }
}

/** The document with the value at one of its places, counted in order, replaced. */
function replaced(document: unknown, at: number, value: unknown): unknown {
  const places = countPlaces(document)
  let left = at % places
  return walk(document)

  function walk(node: unknown): unknown {
    if (left === 0) {
      left -= 1
      return value
    }
    left -= 1
    if (Array.isArray(node)) return node.map(walk)
    if (typeof node !== 'object' || node === null) return node
    return Object.fromEntries(Object.entries(node).map(([key, item]) => [key, walk(item)]))
  }
}

function countPlaces(node: unknown): number {
  if (typeof node !== 'object' || node === null) return 1
  return 1 + Object.values(node).reduce((sum: number, item) => sum + countPlaces(item), 0)
}

/** Whether strict JSON can carry it: fast-check also makes lone surrogates and numbers that JSON rounds. */
function isPlain(value: JsonObject): boolean {
  return outcome(() => parseJson(Buffer.from(JSON.stringify(value)), { what: 'x' })) !== undefined
}

function encoded(value: Statement): string {
  return Buffer.from(encodeStatement(value)).toString('utf8')
}

function normal(value: Statement): unknown {
  return JSON.parse(JSON.stringify(value))
}
