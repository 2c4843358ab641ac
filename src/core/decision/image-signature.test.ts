import assert from 'node:assert/strict'
import { test } from 'node:test'
import { predicateTypes } from '#attestation'
import { encodeCanonical, sha256Hex, type JsonObject } from '#document'
import { imageSignatureTypes } from '#policy'
import { parseTrust } from '#trust'
import { issuer, subject } from '../trust/sigstore/testing/instance.ts'
import {
  aStatement,
  bundleBytes,
  keyEntry,
  makeKey,
  signBytes,
  trustBytes,
} from '../trust/testing/fixtures.ts'
import { decide, type Decision, type EvidenceItem } from './index.ts'
import {
  builtRule,
  evidenceOf,
  item,
  now,
  policiesOf,
  policyText,
  request,
  provenance,
  signed,
  trustEntries,
} from './testing/fixtures.ts'
import {
  documentOf,
  instanceRoot,
  signedByKey,
  signedKeyless,
  simpleSigning,
} from './testing/image-signature.ts'

const image = sha256Hex('an image')
const [key, stranger] = [makeKey(), makeKey()]
const types = [predicateTypes.simpleSigning]
const rule = `signed: {by: [release], types: ['${predicateTypes.simpleSigning}']}`
const annotation = 'dev.cosignproject.cosign/signature'

const byKey = { release: { keys: [keyEntry(key)], predicateTypes: types } }
const byIdentity = {
  release: { identities: [{ root: 'private', issuer, subject }], predicateTypes: types },
}

function ask(
  items: readonly EvidenceItem[],
  more: { signers?: JsonObject; rules?: readonly string[]; policy?: string } = {},
): Decision {
  const text = JSON.parse(Buffer.from(trustBytes(more.signers ?? byKey)).toString()) as JsonObject
  const sigstore = { private: { trustedRoot: 'root.json' } }
  const roots = new Map([['root.json', instanceRoot]])
  return decide({
    request: { ...request, artifact: { name: 'shop', digest: { sha256: image } } },
    // They come beside the others, as whoever asks a registry finds them.
    evidence: { ...evidenceOf(), signatures: items },
    policies: policiesOf(policyText(more.rules ?? [rule], more.policy)),
    trust: parseTrust(encodeCanonical({ ...text, sigstore }), { file: 'trust.yaml', roots }),
    now,
  })
}

const codes = ({ reasons }: Decision): readonly string[] => reasons.map(({ code }) => code)
const denied = (...args: Parameters<typeof ask>): readonly string[] => {
  const decision = ask(...args)
  assert.equal(decision.verdict, 'DENY')
  return codes(decision)
}

test('an image that a named key has signed is signed', () => {
  const decision = ask([signedByKey(simpleSigning(image), key)])
  assert.equal(decision.verdict, 'ALLOW')
  assert.equal(decision.evidence[0]?.predicateType, predicateTypes.simpleSigning)
  assert.equal(decision.inputs.evidence.length, 1)
})

test('an image that a named identity has signed is signed, with a log entry that knows it', () => {
  const signers = byIdentity
  assert.equal(ask([signedKeyless(simpleSigning(image))], { signers }).verdict, 'ALLOW')
  const bundle = 'dev.sigstore.cosign/bundle'
  const without = signedKeyless(simpleSigning(image), { without: bundle })
  assert.deepEqual(denied([without], { signers }), [
    'SIGSTORE_TIME_MISSING',
    'SIGSTORE_LOG_MISSING',
  ])
})

test('a signature over another payload is not a signature of this one', () => {
  const over = encodeCanonical(simpleSigning(sha256Hex('another image')))
  const found = denied([signedKeyless(simpleSigning(image), { over })], { signers: byIdentity })
  assert.ok(found.includes('SIGSTORE_SIGNATURE') && found.includes('SIGSTORE_LOG_MISMATCH'))
  const signature = Buffer.from(signBytes(key, over, 'dsse')).toString('base64')
  const payload = encodeCanonical(simpleSigning(image))
  assert.deepEqual(denied([documentOf(payload, { [annotation]: signature })]), [
    'SIGNATURE_UNKNOWN_KEY',
  ])
})

test('a signature of another image, by a stranger, or in another role does not count', () => {
  assert.deepEqual(denied([signedByKey(simpleSigning(sha256Hex('other')), key)]), [
    'EVIDENCE_OTHER_ARTIFACT',
  ])
  assert.deepEqual(denied([signedByKey(simpleSigning(image), stranger)]), ['SIGNATURE_UNKNOWN_KEY'])
  const approvals = {
    release: { keys: [keyEntry(key)], predicateTypes: [predicateTypes.approval] },
  }
  const both = { ...approvals, other: { keys: [keyEntry(makeKey())], predicateTypes: types } }
  const found = denied([signedByKey(simpleSigning(image), key)], { signers: both })
  assert.deepEqual(found, ['SIGNER_NOT_FOR_PREDICATE'])
})

test('a signature of an image satisfies `signed` where a policy asks for it, and no other rule', () => {
  const items = [signedByKey(simpleSigning(image), key)]
  for (const other of [
    'signed: {by: [release]}',
    builtRule.replace('release-builder', 'release'),
    'hermetic: {by: [release]}',
    'allowed: {by: [release], environment: production}',
    'recent: {by: [release], build: 90d}',
    'minimumLevel: {by: [release], level: 1}',
    'scanned: {by: [release], within: 1d, deny: {severity: high}}',
    'sbom: {by: [release]}',
    'tested: {by: [release], suites: [unit], of: artifact}',
    'reviewed: {by: [release], builtBy: [release]}',
  ]) {
    assert.equal(ask(items, { rules: [other] }).verdict, 'DENY', other)
  }
})

test('what the signer adds under "optional" counts for nothing', () => {
  const claims = simpleSigning(image, { optional: { environment: 'production', level: 3 } })
  const decision = ask([signedByKey(claims, key)])
  assert.equal(decision.verdict, 'ALLOW')
  assert.doesNotMatch(JSON.stringify(decision), /"environment":"production","level"|level/)
})

test('the name under which an image was signed has to be one of the service', () => {
  const items = [signedByKey(simpleSigning(image), key)]
  for (const own of [
    "['registry.example/acme/shop']",
    "['pkg:oci/shop']",
    '[{prefix: registry.example/acme/}]',
  ]) {
    assert.equal(ask(items, { policy: `artifacts: ${own}` }).verdict, 'ALLOW', own)
  }
  for (const other of ["['registry.example/acme/other']", '[{prefix: registry.example/acm/}]']) {
    const found = denied(items, { policy: `artifacts: ${other}` })
    assert.ok(found.includes('ARTIFACT_NOT_OF_TARGET'), other)
  }
})

test('a reference with a tag or a digest names the same repository', () => {
  for (const tail of [':1.2.3', `@sha256:${image}`, `:1.2.3@sha256:${image}`]) {
    const critical = {
      ...(simpleSigning(image)['critical'] as JsonObject),
      identity: { 'docker-reference': `registry.example:5000/acme/shop${tail}` },
    }
    const items = [signedByKey({ critical }, key)]
    const policy = "artifacts: ['registry.example:5000/acme/shop']"
    assert.equal(ask(items, { policy }).verdict, 'ALLOW', tail)
  }
})

test('where a policy asks how an artifact was built, its builder names it, and no signature', () => {
  const signers = { ...byKey, 'release-builder': trustEntries['release-builder'] ?? {} }
  const rules = [builtRule, rule]
  const of = (name: string): readonly EvidenceItem[] => [
    signed(provenance({ sha256: image, name, purl: null })),
    signedByKey(simpleSigning(image), key),
  ]
  const policy = "artifacts: ['registry.example/acme/shop']"
  const own = of('registry.example/acme/shop')
  assert.equal(ask(own, { signers, rules, policy }).verdict, 'ALLOW')
  const found = denied(of('registry.example/acme/other'), { signers, rules, policy })
  assert.deepEqual(found, ['ARTIFACT_NOT_OF_TARGET'])
})

test('an image may be signed under several names, of which one is of the service', () => {
  const critical = {
    ...(simpleSigning(image)['critical'] as JsonObject),
    identity: { 'docker-reference': 'mirror.example/acme/shop' },
  }
  const items = [signedByKey(simpleSigning(image), key), signedByKey({ critical }, key)]
  const policy = "artifacts: ['registry.example/acme/shop']"
  assert.equal(ask(items, { policy }).verdict, 'ALLOW')
  assert.equal(ask(items.slice(1), { policy }).verdict, 'DENY')
})

test('a signature without a name is one of any image, and of no service', () => {
  const critical = { ...(simpleSigning(image)['critical'] as JsonObject), identity: {} }
  const items = [signedByKey({ critical }, key)]
  assert.equal(ask(items).verdict, 'ALLOW')
  assert.deepEqual(denied(items, { policy: "artifacts: ['pkg:oci/shop']" }), ['FACT_MISSING'])
})

test('the type that stands for a signature of an image counts in no envelope', () => {
  const statement = aStatement(
    predicateTypes.simpleSigning,
    { type: 'x', dockerReference: '' },
    image,
  )
  assert.deepEqual(denied([item(bundleBytes(statement, key))]), ['EVIDENCE_NO_STATEMENT'])
})

test('a document that is no signature of an image is refused and says why', () => {
  const payload = encodeCanonical(simpleSigning(image))
  const good = Buffer.from(signBytes(key, payload, 'dsse')).toString('base64')
  const odd = { ...simpleSigning(image), critical: { type: 'x', image: {} } }
  for (const one of [
    documentOf(payload, {}),
    documentOf(payload, { [annotation]: '' }),
    documentOf(payload, { [annotation]: [good] }),
    documentOf(payload, { [annotation]: good, 'dev.sigstore.cosign/certificate': 'none' }),
    documentOf(payload, { [annotation]: good, 'dev.sigstore.cosign/bundle': '{}' }),
    documentOf(payload, 'none'),
    documentOf(new Uint8Array(), { [annotation]: good }),
    signedByKey(odd, key),
    signedByKey(aStatement('x', {}, image) as unknown as JsonObject, key),
  ]) {
    const [code = ''] = denied([one])
    assert.match(code, /^(?:ATTESTATION|DOCUMENT|EVIDENCE|SIGNATURE)_/)
  }
})

test('both forms of cosign’s signatures have a name for policies and trust files', () => {
  assert.deepEqual(imageSignatureTypes, [
    predicateTypes.simpleSigning,
    'https://sigstore.dev/cosign/sign/v1',
  ])
})
