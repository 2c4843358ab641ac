import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { inTotoKeyId, matchesPattern } from '#attestation'
import { SallyportError } from '#error'

const file = resolve(
  import.meta.dirname,
  '../../../../../shared/data/vectors/intoto-fnmatch-keyid.ndjson',
)
const options = existsSync(file) ? {} : { skip: 'skipped: no ../shared' }

test('patterns of layouts match as in-toto matches them', () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['*', 'a/b', true],
    ['*.tgz', 'shop-1.0.tgz', true],
    ['*.tgz', 'shop-1.0.tgz.sig', false],
    ['a?c', 'a/c', true],
    ['a?c', 'a☺c', true],
    ['[a-c]x', 'bx', true],
    ['[!a-c]x', 'bx', false],
    ['[!a-c]x', 'dx', true],
    ['[^a]', '^', true],
    ['[\\]\\-]', '-', true],
    ['\\*', '*', true],
    ['\\*', 'x', false],
    ['', '', true],
    ['', 'x', false],
    ['**a**', 'bab', true],
    ['[z-a]', 'm', false],
  ]
  for (const [pattern, name, expected] of cases) {
    assert.equal(matchesPattern(pattern, name), expected, `${pattern} ${name}`)
  }
})

test('a malformed pattern is refused, whatever the name is', () => {
  for (const pattern of [
    '[',
    '[]',
    '[!]',
    'a[',
    '[a',
    '[a-',
    '[a-]',
    '[-a]',
    '[x-]',
    '\\',
    '[\\',
    'x[y',
  ]) {
    assert.throws(() => matchesPattern(pattern, 'z'), { code: 'ATTESTATION_FIELD' }, pattern)
  }
})

test('matching a pattern made of stars takes no time to speak of', () => {
  assert.equal(matchesPattern(`${'*a'.repeat(1_000)}b`, 'a'.repeat(4_000)), false)
  assert.throws(() => matchesPattern('*', 'a'.repeat(4_097)), { code: 'ATTESTATION_LIMIT' })
})

test('any pattern and any name match, do not match, or are refused', () => {
  const text = fc.string({
    unit: fc.constantFrom('a', 'b', '*', '?', '[', ']', '!', '-', '\\'),
    maxLength: 8,
  })
  fc.assert(
    fc.property(text, text, (pattern, name) => {
      outcome(() => matchesPattern(pattern, name))
    }),
    { numRuns: 1_000 },
  )
})

const ed25519 = `-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAOT5nGyAPlkxJCD00qGf12YnsHGnfe2Z1j+RxyFkbE5w=
-----END PUBLIC KEY-----
`

test('a key id of in-toto depends on the scheme and the hash algorithms', () => {
  const id = inTotoKeyId(ed25519, 'ed25519', ['sha256', 'sha512'])
  assert.equal(id, 'be6371bc627318218191ce0780fd3183cce6c36da02938a477d2e4dfae1804a6')
  assert.notEqual(inTotoKeyId(ed25519, 'ed25519', ['sha256']), id)
})

test('a key of another scheme, and what is no key, have no key id', () => {
  const code = 'ATTESTATION_FIELD'
  assert.throws(() => inTotoKeyId(ed25519, 'ecdsa-sha2-nistp256', ['sha256']), { code })
  assert.throws(() => inTotoKeyId('hello', 'ed25519', ['sha256']), { code })
})

test("in-toto's own cases of patterns and key ids have the expected outcome", options, () => {
  for (const line of readFileSync(file, 'utf8').trim().split('\n')) {
    const {
      id,
      op,
      in: input,
      expect,
    } = JSON.parse(line) as {
      id: string
      op: string
      in: { pattern: string; name: string; pem: string; scheme: string; hashAlgorithms: string[] }
      expect: { ok: boolean; out?: unknown }
    }
    const { pattern, name, pem, scheme, hashAlgorithms } = input
    const out = outcome(() =>
      op === 'fnmatch' ? matchesPattern(pattern, name) : inTotoKeyId(pem, scheme, hashAlgorithms),
    )
    assert.equal(out, expect.out, id)
  }
})

function outcome<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch (error) {
    if (error instanceof SallyportError) return undefined
    throw error
  }
}
