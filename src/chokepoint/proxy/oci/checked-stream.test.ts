import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { sha256Hex } from '#document'
import { checked, type Keeper } from './checked-stream.ts'

async function* cut(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function read(bytes: Uint8Array, wanted: Uint8Array, size: number) {
  const told: string[] = []
  const keeper: Keeper = {
    write: () => Promise.resolve(void told.push('write')),
    commit: () => Promise.resolve(void told.push('commit')),
    abort: () => Promise.resolve(void told.push('abort')),
  }
  const got: Uint8Array[] = []
  const part = { sha256: sha256Hex(wanted), size: wanted.length }
  let code: unknown
  try {
    for await (const chunk of checked(cut(bytes, size), part, { from: 'registry.example', keeper }))
      got.push(chunk)
  } catch (error) {
    ;({ code } = error as { code: unknown })
  }
  return { got: Buffer.concat(got), code, told }
}

const some = fc.uint8Array({ minLength: 1, maxLength: 300 })
const size = fc.integer({ min: 1, max: 50 })

test('what is right passes whole, and is kept before its last byte is out', async () => {
  await fc.assert(
    fc.asyncProperty(some, size, async (bytes, chunk) => {
      const { got, code, told } = await read(bytes, bytes, chunk)
      assert.deepEqual([code, Buffer.compare(got, bytes)], [undefined, 0])
      assert.deepEqual(told.slice(-2), ['commit', 'abort'])
    }),
  )
})

test('of what is not right, less passes than there should be, and nothing is kept', async () => {
  await fc.assert(
    fc.asyncProperty(some, some, size, async (bytes, wanted, chunk) => {
      fc.pre(Buffer.compare(bytes, wanted) !== 0)
      const { got, code, told } = await read(bytes, wanted, chunk)
      assert.equal(code, 'PROXY_UPSTREAM')
      assert.ok(got.length < wanted.length)
      assert.ok(!told.includes('commit'))
      assert.equal(told.at(-1), 'abort')
    }),
  )
})

test('nothing at all is a blob, too', async () => {
  const empty = new Uint8Array()
  assert.deepEqual((await read(empty, empty, 5)).told, ['commit', 'abort'])
})
