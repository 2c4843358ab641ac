import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SallyportError } from '#error'
import { readVectors } from '../testing/vectors.ts'
import { deriveNpm, type NpmPackage } from './derive.ts'
import { readIntegrity } from './integrity.ts'
import { npmId, npmPurl, parseNpmId } from './name.ts'
import { pathOfPointer, pointerTo } from './package-lock.ts'

interface Vector {
  readonly rule: string
  readonly platform: string
  readonly allowScripts: readonly string[]
  readonly lock: object
  readonly expect: { readonly packages?: readonly string[]; readonly codes?: readonly string[] }
}

function derive(
  vector: Pick<Vector, 'platform' | 'allowScripts'>,
  bytes: Uint8Array,
): NpmPackage[] {
  const { platform, allowScripts } = vector
  return deriveNpm(bytes, { file: 'package-lock.json', platform, allowScripts })
}

for (const { name, vector } of readVectors<Vector>('package-lock')) {
  test(`package-lock, ${name}: ${vector.rule}`, () => {
    const bytes = Buffer.from(JSON.stringify(vector.lock))
    const { packages, codes } = vector.expect
    if (packages !== undefined) {
      assert.deepEqual(
        derive(vector, bytes).map(({ id }) => id),
        packages,
      )
      return
    }
    assert.throws(
      () => derive(vector, bytes),
      (error: SallyportError) => {
        assert.deepEqual(
          error.problems.map(({ code }) => code),
          codes,
        )
        assert.ok(error.problems.every(({ fix, found }) => fix !== '' && found !== ''))
        return true
      },
    )
  })
}

test('an entry says where it is from and what npm has to know of it', () => {
  const lock = {
    lockfileVersion: 3,
    packages: {
      'node_modules/@s/a~b': {
        version: '1.0.0',
        integrity: readable,
        license: 'MIT',
        dependencies: { c: '1' },
        peerDependenciesMeta: { d: { optional: true } },
        bin: { a: 'a.js' },
      },
    },
  }
  const [found] = derive(linux, Buffer.from(JSON.stringify(lock)))
  assert.deepEqual(found?.derivedFrom, {
    lock: 'package-lock.json',
    pointer: '/packages/node_modules~1@s~1a~0b',
  })
  assert.equal(found?.purl, 'pkg:npm/%40s/a~b@1.0.0')
  assert.deepEqual(found?.manifest, {
    name: '@s/a~b',
    version: '1.0.0',
    dependencies: { c: '1' },
    peerDependenciesMeta: { d: { optional: true } },
    bin: { a: 'a.js' },
    dist: { integrity: readable },
  })
})

const linux = { platform: 'linux/amd64', allowScripts: [] }
const readable = `sha512-${Buffer.alloc(64, 1).toString('base64')}`

test('whatever the bytes, a lock is either read or a Problem', () => {
  const text = JSON.stringify({
    lockfileVersion: 3,
    packages: { '': {}, 'node_modules/a': { version: '1.0.0', integrity: readable } },
  })
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(text.length - 1), fc.nat(255))), (changes) => {
      const bytes = Buffer.from(text)
      for (const [at, value] of changes) bytes[at] = value
      try {
        derive(linux, bytes)
      } catch (error) {
        assert.ok(error instanceof SallyportError)
      }
    }),
    { numRuns: 500 },
  )
})

test('an entry without SHA-512 never comes out, whatever stands in "integrity"', () => {
  fc.assert(
    fc.property(fc.string(), (integrity) => {
      const lock = {
        lockfileVersion: 3,
        packages: { 'node_modules/a': { version: '1.0.0', integrity } },
      }
      const isGood = readIntegrity(integrity).kind === 'sha512'
      if (isGood) return
      assert.throws(() => derive(linux, Buffer.from(JSON.stringify(lock))), SallyportError)
    }),
  )
})

test('pointers and ids survive a round trip', () => {
  fc.assert(fc.property(fc.string(), (path) => assert.equal(pathOfPointer(pointerTo(path)), path)))
  for (const [name, version] of [
    ['a', '1.0.0'],
    ['@s/b', '2.0.0-rc.1+x'],
  ] as const) {
    assert.deepEqual(parseNpmId(npmId(name, version)), { name, version })
  }
  assert.equal(npmPurl('@s/b', '1.0.0+x'), 'pkg:npm/%40s/b@1.0.0%2Bx')
})
