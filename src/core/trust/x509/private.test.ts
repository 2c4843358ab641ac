import assert from 'node:assert/strict'
import { sign } from 'node:crypto'
import { test } from 'node:test'
import { inTotoPayloadType, pae, predicateTypes, type Statement } from '#attestation'
import { encodeCanonical, type Json, type JsonObject } from '#document'
import { SallyportError } from '#error'
import { jwtBytes, makeKey, namedInformation } from '../testing/fixtures.ts'
import { isVerified, parseTrust, verifyAttestation, type Trust } from '../index.ts'
import { element, explicit, sequence, text } from '../sigstore/testing/der-writer.ts'
import { tags } from '../sigstore/der/reader.ts'
import {
  authority,
  basicConstraints,
  ecKeys,
  emailName,
  extension,
  extKeyUsage,
  issue,
  keyUsage,
  subjectAltName,
  uriName,
  type Authority,
  type KeyPair,
} from '../sigstore/testing/certificates.ts'
import { bytesOf, createInstance, rootJson } from '../sigstore/testing/instance.ts'
import { timestampOver } from '../sigstore/testing/timestamps.ts'

const spiffe = 'spiffe://acme.example/ns/build/sa/builder'
const signedAt = new Date('2026-03-01T12:00:00Z')
const now = new Date('2026-03-01T12:10:00Z')
const late = new Date('2026-06-01T00:00:00Z')
const long = {
  notBefore: new Date('2026-01-01T00:00:00Z'),
  notAfter: new Date('2036-01-01T00:00:00Z'),
}
const short = {
  notBefore: new Date('2026-03-01T11:55:00Z'),
  notAfter: new Date('2026-03-01T12:55:00Z'),
}
const clientAuth = '1.3.6.1.5.5.7.3.2'
const codeSigning = '1.3.6.1.5.5.7.3.3'

const root = authority('acme root', long)
const between = authority('acme intermediate', long, { by: root })
const instance = createInstance()
const dns = (name: string): Buffer => text(name, tags.primitive(2))

interface Leaf {
  readonly by?: Authority
  readonly names?: readonly Buffer[]
  readonly extensions?: readonly Buffer[]
  readonly keys?: KeyPair
  readonly validity?: typeof long
}

function leafOf({
  by = between,
  names = [uriName(spiffe)],
  keys = ecKeys(),
  validity = short,
  extensions,
}: Leaf = {}) {
  const usual = [keyUsage(0), extKeyUsage(false, clientAuth, codeSigning)]
  const der = issue(by, {
    keys,
    ...validity,
    extensions: [...(extensions ?? usual), subjectAltName(...names)],
  })
  return { keys, der }
}

const pem = (der: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replaceAll(/(.{64})/g, '$1\n')}\n-----END CERTIFICATE-----\n`

const statement: Statement = {
  _type: 'https://in-toto.io/Statement/v1',
  subject: [{ name: 'app', digest: { sha256: 'a'.repeat(64) } }],
  predicateType: predicateTypes.vsa,
  predicate: {},
}

interface Signing {
  readonly leaf?: ReturnType<typeof leafOf>
  readonly chain?: readonly Buffer[]
  readonly stamped?: Date
  readonly message?: Uint8Array
}

function bundleOf({
  leaf = leafOf(),
  chain = [between.certificate],
  stamped,
  message,
}: Signing = {}): Uint8Array {
  const payload = encodeCanonical(statement as unknown as Json)
  const sig = sign('sha256', message ?? pae(inTotoPayloadType, payload), leaf.keys.privateKey)
  const certificates = [leaf.der, ...chain].map((der) => ({ rawBytes: der.toString('base64') }))
  return bytesOf({
    mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.1',
    verificationMaterial: {
      x509CertificateChain: { certificates },
      ...(stamped === undefined
        ? {}
        : {
            timestampVerificationData: {
              rfc3161Timestamps: [
                { signedTimestamp: timestampOver(sig, stamped, instance.tsa).toString('base64') },
              ],
            },
          }),
    },
    dsseEnvelope: {
      payloadType: inTotoPayloadType,
      payload: Buffer.from(payload).toString('base64'),
      signatures: [{ sig: sig.toString('base64') }],
    },
  })
}

interface Trusting {
  readonly name?: JsonObject
  readonly authority?: JsonObject
  readonly roots?: string
}

function trustText({
  name = {},
  authority: more = {},
  roots = pem(root.certificate),
}: Trusting): JsonObject {
  const named = {
    root: 'acme',
    ...(Object.keys(name).some((key) => ['uri', 'dns', 'email'].includes(key))
      ? {}
      : { uri: spiffe }),
    ...name,
  }
  return {
    apiVersion: 'sallyport.dev/v1',
    kind: 'Trust',
    metadata: { name: 'default', owner: 'security' },
    sigstore: { clocks: { trustedRoot: 'root.json' } },
    x509: { acme: { roots, extendedKeyUsage: 'clientAuth', ...more } },
    signers: { builder: { certificates: [named], predicateTypes: [predicateTypes.vsa] } },
  }
}

function parse(options: Trusting = {}): Trust {
  const roots = new Map([['root.json', bytesOf(rootJson(instance)) as Uint8Array]])
  return parseTrust(encodeCanonical(trustText(options)), { file: 'trust.yaml', roots })
}

function says(signing: Signing, options: Trusting = {}, time = now): string {
  const result = verifyAttestation(bundleOf(signing), parse(options), time)
  return isVerified(result) ? (result.signers[0]?.name ?? '') : result.problems[0].code
}

test('a certificate of a private authority, and a name that is listed exactly', () => {
  const result = verifyAttestation(bundleOf(), parse(), now)
  assert.ok(isVerified(result))
  const [signer] = result.signers
  assert.equal(signer?.certificate?.subject, spiffe)
  assert.equal(signer?.certificate?.root, 'acme')
  // Without a trusted time it is good as long as the certificate is.
  assert.equal(signer?.validUntil?.getTime(), short.notAfter.getTime() + 1)
})

test('names match exactly: no longer one, no shorter one, no other kind, no second identity', () => {
  const named = (...names: readonly Buffer[]): Signing => ({ leaf: leafOf({ names }) })
  for (const names of [
    [uriName(`${spiffe}2`)],
    [uriName(spiffe.slice(0, -1))],
    [uriName(spiffe.toUpperCase())],
    [dns('acme.example')],
    [emailName('builder@acme.example')],
    [uriName(spiffe), uriName('spiffe://acme.example/other')],
  ]) {
    assert.equal(says(named(...names)), 'SIGNATURE_UNKNOWN_IDENTITY')
  }
  assert.equal(says(named(uriName(spiffe), dns('builder.acme.example'))), 'builder')
  assert.equal(
    says(named(dns('builder.acme.example')), { name: { dns: 'builder.acme.example' } }),
    'builder',
  )
  assert.equal(
    says(named(emailName('b@acme.example')), { name: { email: 'b@acme.example' } }),
    'builder',
  )
})

test('RFC 5280 §6.1: the path leads to a root of the trust file, and each link is signed', () => {
  assert.equal(says({ chain: [] }), 'X509_CHAIN')
  const other = authority('acme root', long)
  const forged = authority('acme intermediate', long, { by: other })
  assert.equal(
    says({ leaf: leafOf({ by: forged }), chain: [forged.certificate, other.certificate] }),
    'X509_CHAIN',
  )
  assert.equal(says({ leaf: leafOf({ by: root }), chain: [] }), 'builder')
  assert.equal(says({ chain: [between.certificate, root.certificate] }), 'builder')
  const strangers = Array.from(
    { length: 6 },
    () => authority('acme intermediate', long).certificate,
  )
  assert.equal(says({ chain: [...strangers, between.certificate] }), 'builder')
})

test('an end entity is no authority, whoever it says it is', () => {
  const middle = ecKeys()
  const leaf = leafOf({ keys: middle })
  const fake: Authority = { name: sequence(), keys: middle, certificate: leaf.der }
  const below = leafOf({ by: fake })
  assert.equal(says({ leaf: below, chain: [leaf.der, between.certificate] }), 'X509_CERTIFICATE')
})

test('path lengths and purposes of authorities hold', () => {
  const none = authority('acme none', long, {
    by: root,
    extensions: [basicConstraints(true, 0), keyUsage(5)],
  })
  const below = authority('acme below', long, { by: none })
  assert.equal(says({ leaf: leafOf({ by: none }), chain: [none.certificate] }), 'builder')
  assert.equal(
    says({ leaf: leafOf({ by: below }), chain: [below.certificate, none.certificate] }),
    'X509_CERTIFICATE',
  )
  const mail = authority('acme mail', long, {
    by: root,
    extensions: [basicConstraints(true), keyUsage(5), extKeyUsage(false, '1.3.6.1.5.5.7.3.4')],
  })
  assert.equal(says({ leaf: leafOf({ by: mail }), chain: [mail.certificate] }), 'X509_CERTIFICATE')
  const noSigner = authority('acme no', long, {
    by: root,
    extensions: [basicConstraints(true), keyUsage(0)],
  })
  assert.equal(
    says({ leaf: leafOf({ by: noSigner }), chain: [noSigner.certificate] }),
    'X509_CERTIFICATE',
  )
})

test('the certificate of a signer is for signing, and says so', () => {
  for (const extensions of [
    [keyUsage(0)],
    [keyUsage(0), extKeyUsage(false, '1.3.6.1.5.5.7.3.1')],
    [keyUsage(5), extKeyUsage(false, clientAuth)],
    [keyUsage(0), extKeyUsage(false, clientAuth), basicConstraints(true)],
    [keyUsage(0), extKeyUsage(false, clientAuth), extension('1.2.3.4', text('x'), true)],
  ]) {
    assert.equal(says({ leaf: leafOf({ extensions }) }), 'X509_CERTIFICATE')
  }
  const client = leafOf({ extensions: [keyUsage(0), extKeyUsage(false, clientAuth)] })
  assert.equal(says({ leaf: client }), 'builder')
  assert.equal(
    says({ leaf: client }, { authority: { extendedKeyUsage: 'codeSigning' } }),
    'X509_CERTIFICATE',
  )
})

function constrained(permitted: readonly Buffer[], excluded: readonly Buffer[] = []): Authority {
  const trees = (number: number, names: readonly Buffer[]): readonly Buffer[] =>
    names.length === 0 ? [] : [explicit(number, ...names.map((name) => sequence(name)))]
  const constraints = extension(
    '2.5.29.30',
    sequence(...trees(0, permitted), ...trees(1, excluded)),
    true,
  )
  return authority('acme limited', long, {
    by: root,
    extensions: [basicConstraints(true), keyUsage(5), constraints],
  })
}

test('RFC 5280 §4.2.1.10: an authority gives only the names that it may give', () => {
  const under = (by: Authority, ...names: readonly Buffer[]): Signing => ({
    leaf: leafOf({ by, names: names.length === 0 ? [uriName(spiffe)] : names }),
    chain: [by.certificate],
  })
  assert.equal(says(under(constrained([uriName('acme.example')]))), 'builder')
  assert.equal(says(under(constrained([uriName('.acme.example')]))), 'X509_CERTIFICATE')
  assert.equal(says(under(constrained([uriName('other.example')]))), 'X509_CERTIFICATE')
  assert.equal(says(under(constrained([uriName('example')]))), 'X509_CERTIFICATE')
  assert.equal(says(under(constrained([], [uriName('acme.example')]))), 'X509_CERTIFICATE')
  assert.equal(says(under(constrained([dns('acme.example')]))), 'builder')
  const host = { name: { dns: 'b.acme.example' } }
  const name = dns('b.acme.example')
  assert.equal(says(under(constrained([dns('acme.example')]), name), host), 'builder')
  assert.equal(says(under(constrained([dns('cme.example')]), name), host), 'X509_CERTIFICATE')
  assert.equal(
    says(under(constrained([], [dns('b.acme.example')]), name), host),
    'X509_CERTIFICATE',
  )
  const mail = { name: { email: 'b@acme.example' } }
  assert.equal(
    says(under(constrained([emailName('acme.example')]), emailName('b@acme.example')), mail),
    'builder',
  )
  assert.equal(
    says(under(constrained([emailName('c@acme.example')]), emailName('b@acme.example')), mail),
    'X509_CERTIFICATE',
  )
  // A limit on addresses is not understood, so nothing below it is believed.
  const address = element(tags.primitive(7), Buffer.alloc(8))
  assert.notEqual(says(under(constrained([], [address]))), 'builder')
})

test('a signature fits the key of the certificate, and nothing sent along helps', () => {
  assert.equal(says({ message: Buffer.from('other') }), 'SIGNATURE_INVALID')
  const leaf = leafOf()
  assert.equal(says({ leaf: { der: leaf.der, keys: ecKeys() } }), 'SIGNATURE_INVALID')
})

test('without a trusted time the certificates are good now, or nothing is', () => {
  assert.equal(says({}, {}, short.notAfter), 'builder')
  assert.equal(says({}, {}, new Date(short.notAfter.getTime() + 1)), 'X509_TIME')
  assert.equal(says({}, {}, new Date('2026-03-01T11:00:00Z')), 'X509_TIME')
  assert.equal(says({ stamped: signedAt }, {}, late), 'X509_TIME')
})

test('RFC 3161: what was signed in the time of its certificates stays good', () => {
  const timed = { authority: { timesBy: ['clocks'] } }
  assert.equal(says({ stamped: signedAt }, timed, late), 'builder')
  assert.equal(says({ stamped: late }, timed, late), 'X509_TIME')
  assert.equal(says({}, timed, late), 'X509_TIME')
})

test('a compromise ends what nobody can date, and leaves what was provably signed before', () => {
  const since = (compromisedSince: string) => ({
    name: { compromisedSince },
    authority: { timesBy: ['clocks'] },
  })
  assert.equal(says({}, since('2026-05-01T00:00:00Z')), 'IDENTITY_TIME')
  assert.equal(says({ stamped: signedAt }, since('2026-05-01T00:00:00Z')), 'builder')
  assert.equal(says({ stamped: signedAt }, since('2026-03-01T12:00:00Z')), 'IDENTITY_TIME')
  assert.equal(says({}, { name: { validUntil: '2026-03-01T12:05:00Z' } }), 'IDENTITY_TIME')
  assert.equal(says({}, { name: { validFrom: '2026-03-01T12:05:00Z' } }), 'builder')
})

function tokenOf(leaf: ReturnType<typeof leafOf>, header: JsonObject = {}): Uint8Array {
  const claims = { iss: 'https://b.example/v1', sub: namedInformation('app') }
  const x5c = [leaf.der, between.certificate].map((der) => der.toString('base64'))
  return jwtBytes(claims, makeKey(), {
    header: { x5c, ...header },
    signature: (input) =>
      sign('sha256', input, { key: leaf.keys.privateKey, dsaEncoding: 'ieee-p1363' }),
  })
}

test('RFC 7515 §4.1.6: a token brings its certificates, and they prove nothing by themselves', () => {
  const entry = {
    predicateTypes: [predicateTypes.jwtProvenance],
    builders: [{ id: 'https://b.example/v1' }],
  }
  const written = trustText({})
  const builder = (written['signers'] as JsonObject)['builder'] as JsonObject
  const text = { ...written, signers: { builder: { ...builder, ...entry } } }
  const roots = new Map([['root.json', bytesOf(rootJson(instance)) as Uint8Array]])
  const trust = parseTrust(encodeCanonical(text), { file: 'trust.yaml', roots })
  const verdict = (bytes: Uint8Array): string => {
    const result = verifyAttestation(bytes, trust, now)
    return isVerified(result) ? (result.signers[0]?.name ?? '') : result.problems[0].code
  }
  assert.equal(verdict(tokenOf(leafOf())), 'builder')
  assert.equal(verdict(tokenOf(leafOf(), { alg: 'RS256' })), 'SIGNATURE_INVALID')
  assert.equal(verdict(tokenOf({ der: leafOf().der, keys: ecKeys() })), 'SIGNATURE_INVALID')
  assert.equal(verdict(tokenOf(leafOf({ by: authority('acme intermediate', long) }))), 'X509_CHAIN')
  assert.equal(verdict(tokenOf(leafOf(), { x5c: [] })), 'ATTESTATION_FIELD')
  assert.equal(verdict(tokenOf(leafOf(), { x5c: ['-_'] })), 'ATTESTATION_BASE64')
})

function codes(options: Trusting): readonly string[] {
  try {
    parse(options)
    return []
  } catch (error) {
    assert.ok(error instanceof SallyportError)
    return error.problems.map(({ code }) => code)
  }
}

test('roots are certificates of authorities, and names are names', () => {
  const leaf = leafOf()
  for (const roots of [
    'x',
    pem(leaf.der),
    pem(root.certificate).replace('MII', 'MIJ'),
    `${pem(root.certificate)}junk`,
  ]) {
    assert.ok(codes({ roots }).includes('TRUST_X509'), roots.slice(0, 40))
  }
  assert.deepEqual(codes({ roots: pem(root.certificate) + pem(between.certificate) }), [])
  assert.deepEqual(codes({ authority: { timesBy: ['none'] } }), ['TRUST_ROOT_UNKNOWN'])
  assert.deepEqual(codes({ name: { root: 'other' } }), ['TRUST_ROOT_UNKNOWN'])
  for (const name of [
    { uri: 'spiffe://acme.example/*' },
    { uri: 'no uri' },
    { dns: '*.acme.example' },
    { dns: 'b.acme.example', email: 'b@acme.example' },
    { email: '*@acme.example' },
    { uri: spiffe, subjectPrefix: 'spiffe://' },
  ]) {
    assert.ok(codes({ name }).length > 0, JSON.stringify(name))
  }
})

test('one root may stand for two authorities: each speaks for its own names', () => {
  const written = trustText({})
  const { acme } = written['x509'] as JsonObject
  const text = { ...written, x509: { aaa: acme ?? null, acme: acme ?? null } }
  const roots = new Map([['root.json', bytesOf(rootJson(instance)) as Uint8Array]])
  const trust = parseTrust(encodeCanonical(text), { file: 'trust.yaml', roots })
  assert.ok(isVerified(verifyAttestation(bundleOf(), trust, now)))
})

test('junk in place of certificates refuses, and never throws', () => {
  for (const junk of [Buffer.alloc(0), Buffer.from('3003020101', 'hex'), Buffer.alloc(70_000)]) {
    const result = verifyAttestation(bundleOf({ chain: [junk] }), parse(), now)
    assert.ok(!isVerified(result))
    assert.ok(
      !isVerified(verifyAttestation(bundleOf({ leaf: { ...leafOf(), der: junk } }), parse(), now)),
    )
  }
})
