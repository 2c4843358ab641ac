import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SallyportError } from '#error'
import { readVectors } from '../testing/vectors.ts'
import { checkLock } from './check.ts'
import { encodeMaterialsLock, parseMaterialsLock, rootDigest } from './lock.ts'

const file = 'sallyport.lock.json'
const bytesOf = (value: object): Uint8Array => Buffer.from(JSON.stringify(value))

function codesOf(work: () => unknown): string[] {
  try {
    work()
    return []
  } catch (error) {
    assert.ok(error instanceof SallyportError, String(error))
    return error.problems.map(({ code }) => code)
  }
}

interface LockVector {
  readonly rule: string
  readonly lock: object
  readonly expect: { readonly codes: readonly string[] }
}

for (const { name, vector } of readVectors<LockVector>('lock')) {
  test(`materials lock, ${name}: ${vector.rule}`, () => {
    const bytes = bytesOf(vector.lock)
    assert.deepEqual(
      codesOf(() => parseMaterialsLock(bytes, { file })),
      vector.expect.codes,
    )
    if (vector.expect.codes.length > 0) return
    const lock = parseMaterialsLock(bytes, { file })
    const written = encodeMaterialsLock(lock)
    assert.deepEqual(parseMaterialsLock(written, { file }), lock)
    assert.deepEqual(encodeMaterialsLock(parseMaterialsLock(written, { file })), written)
    assert.equal(Buffer.from(written).toString().trimEnd().split('\n').length, countLines(lock))
  })
}

/** A line for each field and each entry, and the brackets. */
function countLines(lock: {
  readonly root?: unknown
  readonly entries: readonly unknown[]
}): number {
  return 1 + 5 + (lock.root === undefined ? 0 : 1) + Math.max(1, lock.entries.length) + 2
}

interface CheckVector extends LockVector {
  readonly nativeLocks: Readonly<Record<string, string>>
  readonly toolchains: readonly string[]
  readonly debian: readonly string[]
  readonly platform: string
}

for (const { name, vector } of readVectors<CheckVector>('check')) {
  test(`lock against native locks, ${name}: ${vector.rule}`, () => {
    const lock = parseMaterialsLock(bytesOf(vector.lock), { file })
    const nativeLocks = Object.entries(vector.nativeLocks).map(([path, text]) => ({
      path,
      bytes: Buffer.from(text),
    }))
    const { toolchains, debian, platform } = vector
    const check = (): unknown =>
      checkLock(lock, { file, platform, nativeLocks, toolchains, debian })
    assert.deepEqual(codesOf(check), vector.expect.codes)
  })
}

test('every problem of a stale lock has the same fix: the command that renews it', () => {
  for (const { vector } of readVectors<CheckVector>('check')) {
    const lock = parseMaterialsLock(bytesOf(vector.lock), { file })
    const nativeLocks = Object.entries(vector.nativeLocks).map(([path, text]) => ({
      path,
      bytes: Buffer.from(text),
    }))
    try {
      checkLock(lock, { ...vector, file, nativeLocks })
    } catch (error) {
      for (const { code, fix } of (error as SallyportError).problems)
        if (code.startsWith('LOCK_')) assert.match(fix, /sallyport lock/)
    }
  }
})

test('the digest of the root depends on the root alone', () => {
  const good = readVectors<LockVector>('lock').find(({ name }) => name === 'good')
  const lock = parseMaterialsLock(bytesOf(good?.vector.lock ?? {}), { file })
  const digest = rootDigest(lock)
  assert.equal(
    rootDigest({ ...lock, entries: lock.entries.filter(({ type }) => type === 'deb') }),
    digest,
  )
  assert.notEqual(rootDigest({ ...lock, entries: [] }), digest)
})
