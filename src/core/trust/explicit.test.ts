import assert from 'node:assert/strict'
import { test } from 'node:test'
import { predicateTypes } from '#attestation'
import { encodeCanonical, type JsonObject } from '#document'
import { SallyportError } from '#error'
import { parseTrust, type Trust } from './index.ts'
import { aStatement, builderEntry, envelopeBytes, keyEntry, makeKey } from './testing/fixtures.ts'
import { verifyAttestation } from './verifier.ts'

const key = makeKey()

function parse(signers: JsonObject, metadata: JsonObject = {}): Trust {
  const bytes = encodeCanonical({
    apiVersion: 'sallyport.dev/v1',
    kind: 'Trust',
    metadata: { name: 'default', owner: 'platform-security', ...metadata },
    signers,
  })
  return parseTrust(bytes, { file: 'trust.yaml' })
}

function codes(signers: JsonObject, metadata: JsonObject = {}): readonly string[] {
  try {
    parse(signers, metadata)
    return []
  } catch (error) {
    assert.ok(error instanceof SallyportError)
    return error.problems.map(({ code }) => code)
  }
}

test('KEY-12, LNT-16: "any valid certificate" and "any key" cannot be written', () => {
  const root = { root: 'public' }
  const issuer = 'https://token.actions.githubusercontent.com'
  for (const identity of [
    { ...root },
    { ...root, issuer },
    { ...root, subject: 'https://git.example/acme/shop' },
    { ...root, issuer: '', subject: 'x' },
    { ...root, issuer, subject: '' },
    { ...root, issuer, subjectPrefix: '' },
    { ...root, issuer, subject: 'a', subjectPrefix: 'https://git.example/acme/' },
    { ...root, issuer, subjectRegExp: '.*' },
    { ...root, issuerRegExp: '.*', subject: 'a' },
  ]) {
    const entry = { identities: [identity], predicateTypes: [predicateTypes.vsa] }
    assert.ok(codes({ anybody: entry }).length > 0, JSON.stringify(identity))
  }
  for (const entry of [{}, { keys: [] }, { identities: [] }, { keys: [], identities: [] }]) {
    assert.ok(codes({ anybody: { ...entry, predicateTypes: [predicateTypes.vsa] } }).length > 0)
  }
})

test('LNT-12: a prefix goes beyond the host and ends where a name ends; there are no patterns', () => {
  for (const subjectPrefix of [
    'https://git.example/',
    'https://git.example/acme',
    '^https://git.example/acme/.*',
  ]) {
    const identity = { root: 'public', issuer: 'https://i.example', subjectPrefix }
    assert.ok(
      codes({ loose: { identities: [identity], predicateTypes: [predicateTypes.vsa] } }).includes(
        'DOCUMENT_SHAPE',
      ),
      subjectPrefix,
    )
  }
})

test('KEY-12: a good signature of somebody who is not listed is refused', () => {
  const sha256 = 'a'.repeat(64)
  const trust = parse({ builder: builderEntry([keyEntry(key)]) })
  const bytes = envelopeBytes(aStatement(predicateTypes.vsa, {}, sha256), [makeKey()])
  const result = verifyAttestation(bytes, trust, new Date('2026-06-01T00:00:00Z'))
  assert.ok('kind' in result)
  assert.equal(result.problems[0].code, 'SIGNATURE_UNKNOWN_KEY')
})

test('KEY-11: a trust file says from when on it must be looked at again, and which edition it is', () => {
  const signers = { builder: builderEntry([keyEntry(key)]) }
  const { version, expires, line } = parse(signers, { version: 7, expires: '2026-12-31T00:00:00Z' })
  assert.equal(version, 7)
  assert.equal(expires?.toISOString(), '2026-12-31T00:00:00.000Z')
  assert.match(line('expires'), /^trust\.yaml:\d+:\d+$/)
  assert.equal(parse(signers).expires, undefined)
  for (const metadata of [
    { version: 0 },
    { version: 1.5 },
    { version: '7' },
    { version: 2 ** 40 },
    { expires: '2026-12-31' },
    { expires: 'never' },
    { expires: 1 },
  ]) {
    assert.deepEqual(codes(signers, metadata), ['DOCUMENT_SHAPE'], JSON.stringify(metadata))
  }
})
