import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeEnvelope } from '#attestation'
import { encodeCanonical, sha256Hex, type Json, type JsonObject } from '#document'
import { SallyportError } from '#error'
import {
  encodeRulebookMemory,
  identifyFile,
  parseRulebookMemory,
  readRulebookKeys,
  remember,
  rollbacks,
  rotateKeys,
  rulebookStatement,
  verifyRulebookFile,
  type RulebookFile,
  type RulebookKeys,
  type SignedFile,
} from '../index.ts'
import { makeKey, sealed, type TestKey } from '../testing/fixtures.ts'

const now = new Date('2026-06-01T00:00:00Z')
const [alice, alice2, bob, carol, mallory] = [
  makeKey(),
  makeKey('ed25519'),
  makeKey(),
  makeKey(),
  makeKey(),
]

interface Owned {
  readonly key: TestKey
  readonly owner: string
}

const both: readonly Owned[] = [
  { key: alice, owner: 'alice' },
  { key: alice2, owner: 'alice' },
  { key: bob, owner: 'bob' },
]

function entries(keys: readonly Owned[]) {
  return keys.map(({ key, owner }) => ({ owner, publicKey: key.publicPem }))
}

function pinned(keys: readonly Owned[], threshold: number, expires?: string): RulebookKeys {
  return readRulebookKeys({ version: 1, keys: entries(keys), threshold, expires }, (path) =>
    path.join('.'),
  )
}

function bytesOf(metadata: JsonObject, kind = 'Trust', more: JsonObject = {}): Uint8Array {
  return encodeCanonical({
    apiVersion: 'sallyport.dev/v1',
    kind,
    metadata: { name: 'default', owner: 'security', version: 1, ...metadata },
    ...more,
  })
}

function signedFile(
  bytes: Uint8Array,
  keys: readonly TestKey[],
  said: Partial<RulebookFile> = {},
): SignedFile {
  const statement = rulebookStatement({ ...identifyFile(bytes, 'trust.yaml'), ...said })
  const envelope = sealed(statement as unknown as Json, keys)
  return { file: 'trust.yaml', bytes, signatures: encodeEnvelope(envelope) }
}

function codesOf(deed: () => unknown): readonly string[] {
  try {
    deed()
    return []
  } catch (error) {
    assert.ok(error instanceof SallyportError, String(error))
    for (const { fix } of error.problems) assert.match(fix, /^[A-Z][a-z]+ /)
    return error.problems.map(({ code }) => code)
  }
}

const check = (file: SignedFile, keys = pinned(both, 2)) =>
  codesOf(() => verifyRulebookFile(file, keys, now))

test('a file that enough owners have signed is believed', () => {
  const bytes = bytesOf({})
  assert.deepEqual(verifyRulebookFile(signedFile(bytes, [alice, bob]), pinned(both, 2), now), {
    kind: 'Trust',
    name: 'default',
    version: 1,
    sha256: sha256Hex(bytes),
  })
})

test('KEY-09: copies of a signature, two keys of one owner and keys of strangers do not count twice', () => {
  const bytes = bytesOf({})
  for (const keys of [
    [alice],
    [alice, alice],
    [alice, alice2],
    [alice, mallory],
    [mallory, carol],
  ]) {
    assert.deepEqual(check(signedFile(bytes, keys)), ['RULEBOOK_THRESHOLD'], `${keys.length}`)
  }
  assert.deepEqual(check(signedFile(bytes, [alice, alice2, bob])), [])
  assert.deepEqual(check({ file: 'trust.yaml', bytes }), ['RULEBOOK_UNSIGNED'])
})

test('a key id beside a signature is believed by nobody', () => {
  const bytes = bytesOf({})
  const statement = rulebookStatement(identifyFile(bytes, 'f')) as unknown as Json
  const envelope = sealed(statement, [alice, mallory], { keyid: bob.keyid })
  assert.deepEqual(check({ file: 'f', bytes, signatures: encodeEnvelope(envelope) }), [
    'RULEBOOK_THRESHOLD',
  ])
})

test('POL-28: a file that was edited is refused, with both digests', () => {
  const bytes = bytesOf({})
  const edited = bytesOf({ owner: 'mallory' })
  const { signatures } = signedFile(bytes, [alice, bob])
  try {
    verifyRulebookFile(
      { file: 'trust.yaml', bytes: edited, ...(signatures && { signatures }) },
      pinned(both, 2),
      now,
    )
    assert.fail('it was believed')
  } catch (error) {
    assert.ok(error instanceof SallyportError)
    const [problem] = error.problems
    assert.equal(problem?.code, 'RULEBOOK_CHANGED')
    assert.ok(problem.expected.includes(sha256Hex(bytes)))
    assert.ok(problem.found.includes(sha256Hex(edited)))
  }
})

test('a signature is bound to the kind, the name and the version of the file', () => {
  const bytes = bytesOf({})
  for (const [said, code] of [
    [{ kind: 'DeploymentPolicy' }, 'RULEBOOK_SIGNATURE'],
    [{ name: 'other' }, 'RULEBOOK_SIGNATURE'],
    [{ version: 2 }, 'RULEBOOK_CHANGED'],
    [{ sha256: 'a'.repeat(64) }, 'RULEBOOK_CHANGED'],
  ] as const) {
    assert.deepEqual(check(signedFile(bytes, [alice, bob], said)), [code], JSON.stringify(said))
  }
})

test('what is signed is exactly one statement about one file', () => {
  const bytes = bytesOf({})
  const good = rulebookStatement(identifyFile(bytes, 'f'))
  const [subject] = good.subject
  for (const bad of [
    { ...good, predicateType: 'https://slsa.dev/provenance/v1' },
    { ...good, subject: [subject, subject] },
    { ...good, subject: [{ ...subject, name: 'Trust/other' }] },
    { ...good, subject: [{ ...subject, digest: { sha512: 'a'.repeat(128) } }] },
    { ...good, predicate: { ...good.predicate, more: true } },
    { ...good, predicate: {} },
  ]) {
    const signatures = encodeEnvelope(sealed(bad as unknown as Json, [alice, bob]))
    assert.notDeepEqual(check({ file: 'f', bytes, signatures }), [], JSON.stringify(bad))
  }
  const other = sealed(good as unknown as Json, [alice, bob], { payloadType: 'text/plain' })
  assert.deepEqual(check({ file: 'f', bytes, signatures: encodeEnvelope(other) }), [
    'RULEBOOK_SIGNATURE',
  ])
  assert.notDeepEqual(check({ file: 'f', bytes, signatures: Buffer.from('{}') }), [])
})

test('a file without version cannot be told from an older one, and is refused', () => {
  const bytes = encodeCanonical({ kind: 'Trust', metadata: { name: 'default' } })
  assert.deepEqual(check({ file: 'f', bytes }), ['RULEBOOK_VERSION'])
})

test('keys that have expired sign nothing any more', () => {
  const file = signedFile(bytesOf({}), [alice, bob])
  assert.deepEqual(check(file, pinned(both, 2, '2026-06-01T00:00:01Z')), [])
  assert.deepEqual(check(file, pinned(both, 2, '2026-06-01T00:00:00Z')), ['RULEBOOK_EXPIRED'])
})

test('pinned keys stand once each, and the threshold can be reached by distinct owners', () => {
  const copy = [...both, { key: alice, owner: 'eve' }]
  assert.deepEqual(
    codesOf(() => pinned(copy, 1)),
    ['RULEBOOK_KEYS'],
  )
  assert.deepEqual(
    codesOf(() => pinned(both, 3)),
    ['RULEBOOK_KEYS'],
  )
  assert.deepEqual(
    codesOf(() => pinned([{ key: makeKey('rsa-pss-sha256'), owner: 'a' }], 1)),
    ['RULEBOOK_KEYS'],
  )
})

const next: readonly Owned[] = [
  { key: bob, owner: 'bob' },
  { key: carol, owner: 'carol' },
]

function keysFile(
  version: number,
  keys: readonly Owned[],
  signers: readonly TestKey[],
): SignedFile {
  const bytes = bytesOf({ name: 'keys', version }, 'RulebookKeys', {
    threshold: 2,
    keys: entries(keys),
  })
  return { ...signedFile(bytes, signers), file: `${version}.yaml` }
}

test('KEY-06: new keys are signed by enough of the old and enough of the new ones', () => {
  const old = pinned(both, 2)
  const rotated = rotateKeys(keysFile(2, next, [alice, bob, carol]), old)
  assert.equal(rotated.version, 2)
  const bytes = bytesOf({ version: 2 })
  assert.deepEqual(check(signedFile(bytes, [bob, carol]), rotated), [])
  assert.deepEqual(check(signedFile(bytes, [alice, bob]), rotated), ['RULEBOOK_THRESHOLD'])
  for (const signers of [
    [alice, bob],
    [bob, carol],
    [carol, mallory],
  ]) {
    assert.deepEqual(
      codesOf(() => rotateKeys(keysFile(2, next, signers), old)),
      ['RULEBOOK_THRESHOLD'],
    )
  }
})

test('keys follow each other one by one, and expired ones can be replaced', () => {
  const all = [alice, bob, carol]
  assert.deepEqual(
    codesOf(() => rotateKeys(keysFile(3, next, all), pinned(both, 2))),
    ['RULEBOOK_KEYS'],
  )
  const expired = pinned(both, 2, '2020-01-01T00:00:00Z')
  assert.equal(rotateKeys(keysFile(2, next, all), expired).version, 2)
})

test('an older edition, or the same one with other words, is a roll-back', () => {
  const file = (version: number, sha256 = `${version}`.repeat(64)) => ({
    kind: 'Trust',
    name: 'default',
    version,
    sha256,
    file: 'trust.yaml',
  })
  const memory = remember(new Map(), [file(3)])
  assert.ok(memory)
  const codes = (one: ReturnType<typeof file>) => rollbacks(memory, [one]).map(({ code }) => code)
  assert.deepEqual(codes(file(3)), [])
  assert.deepEqual(codes(file(4)), [])
  assert.deepEqual(codes(file(2)), ['RULEBOOK_ROLLBACK'])
  assert.deepEqual(codes(file(3, 'f'.repeat(64))), ['RULEBOOK_ROLLBACK'])
  assert.equal(remember(memory, [file(3)]), undefined)
  assert.equal(remember(memory, [file(4)])?.get('Trust/default')?.version, 4)
  assert.deepEqual(parseRulebookMemory(encodeRulebookMemory(memory)), memory)
  for (const bad of [
    '',
    '{}',
    '[]',
    '{"apiVersion":"sallyport.dev/v1","kind":"RulebookMemory","seen":{"a":{"version":0,"sha256":""}}}',
  ]) {
    assert.notDeepEqual(
      codesOf(() => parseRulebookMemory(Buffer.from(bad))),
      [],
      bad,
    )
  }
})
