// What a certificate must not get away with. Everything else in each bundle is right, so each refusal has one reason.
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import type { Json, JsonObject } from '#document'
import type { SignOptions } from './testing/instance.ts'
import {
  authority,
  authorityKeyId,
  basicConstraints,
  ctLog,
  ecKeys,
  emailName,
  extension,
  extKeyUsage,
  fulcio,
  keyUsage,
  subjectAltName,
  timestampList,
  uriName,
} from './testing/certificates.ts'
import { check, codes, instance, places, signer } from './testing/check.ts'
import { at, edited, gone, type Edit } from './testing/edit.ts'
import {
  certificateOf,
  createInstance,
  issuer,
  minutes,
  rootOf,
  signBundle,
  signedAt,
  subject,
  type CertificateOptions,
} from './testing/instance.ts'
import { octets, text } from './testing/der-writer.ts'
import { tags } from './der/reader.ts'

const codeSigning = '1.3.6.1.5.5.7.3.3'
const usual = {
  usage: keyUsage(0),
  purpose: extKeyUsage(false, codeSigning),
  name: subjectAltName(uriName(subject)),
  issuer: fulcio(8, issuer),
}
const extensions = (change: Partial<Record<keyof typeof usual | 'more', Buffer>>) =>
  Object.values({ ...usual, ...change }).filter((one) => one.length > 0)
const none = Buffer.alloc(0)

function refused(certificate: CertificateOptions, ...more: readonly Edit[]): readonly string[] {
  const trusted = { ...signer, trustedRoot: rootOf(instance, ...more) }
  return codes(check(signBundle(instance, { certificate }), { signer: trusted }))
}

test('the certificate is signed by an authority of the root', () => {
  const stranger = createInstance().intermediate
  assert.deepEqual(refused({ by: stranger }), ['SIGSTORE_CHAIN'])
  // Claiming the key identifier of the true authority does not help.
  const claimed = [...extensions({}), authorityKeyId(instance.intermediate.keys)]
  assert.deepEqual(refused({ by: stranger, extensions: claimed }), ['SIGSTORE_CHAIN'])
})

test('the authority that signed is the one that the root lets issue', () => {
  assert.deepEqual(refused({ by: instance.root }), ['SIGSTORE_CHAIN'])
  const leaf = certificateOf(instance)
  const asAuthority = { name: instance.intermediate.name, keys: leaf.keys, certificate: leaf.der }
  assert.deepEqual(refused({ by: asAuthority }), ['SIGSTORE_CHAIN'])
})

test('a root certificate that comes with the bundle is not trusted', () => {
  const validity = { notBefore: minutes(-1000), notAfter: minutes(1000) }
  const own = authority('test root', validity)
  const bundle = signBundle(instance, {
    mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.2',
  })
  const chain = [
    at(bundle, 'verificationMaterial.certificate'),
    { rawBytes: own.certificate.toString('base64') },
  ]
  const withRoot = edited(
    bundle,
    ['verificationMaterial.x509CertificateChain', { certificates: chain }],
    ['verificationMaterial.certificate', gone],
  )
  assert.deepEqual(codes(check(withRoot)), ['SIGSTORE_CHAIN'])
  // Other certificates are superfluous, and are not looked at.
  const between = createInstance().intermediate.certificate.toString('base64')
  const more = `${places.chain}.certificates.1.rawBytes`
  assert.deepEqual(codes(check(edited(withRoot, [more, between]))), [])
})

test('the certificate is valid at the trusted time', () => {
  const early = { notBefore: minutes(1), notAfter: minutes(9), sctTime: minutes(-1) }
  const late = { notBefore: minutes(-9), notAfter: minutes(-1) }
  assert.deepEqual(refused(early), ['SIGSTORE_CERTIFICATE_TIME'])
  assert.deepEqual(refused(late), ['SIGSTORE_CERTIFICATE_TIME'])
  assert.deepEqual(refused({ notAfter: signedAt }), [])
  assert.deepEqual(refused({ notBefore: signedAt }), [])
})

test('the certificate is valid at every trusted time, not at one of them', () => {
  const timestamps = [{}, { time: minutes(20) }]
  for (const options of [{ timestamps }, { timestamps: [{ time: minutes(20) }] }]) {
    assert.deepEqual(codes(check(signBundle(instance, options))), ['SIGSTORE_CERTIFICATE_TIME'])
  }
})

test('the authority is trusted at the trusted time', () => {
  const place = 'certificateAuthorities.0.validFor'
  const ended = { start: '2026-01-01T00:00:00Z', end: minutes(-1).toISOString() }
  assert.deepEqual(refused({}, [place, ended]), ['SIGSTORE_CERTIFICATE_TIME'])
  assert.deepEqual(refused({}, [place, { start: minutes(1).toISOString() }]), [
    'SIGSTORE_CERTIFICATE_TIME',
  ])
})

test('every certificate of the authority is valid at the trusted time', () => {
  const validity = { notBefore: minutes(-1000), notAfter: minutes(-10) }
  const expired = authority('expired', validity, { by: instance.root })
  const chain = [expired, instance.root].map(({ certificate }) => ({
    rawBytes: certificate.toString('base64'),
  }))
  const edit = ['certificateAuthorities.0.certChain.certificates', chain] as const
  assert.deepEqual(refused({ by: expired }, edit), ['SIGSTORE_CERTIFICATE_TIME'])
})

test('one authority is good at all times: two halves of a chain are no chain', () => {
  const bundle = signBundle(instance, { timestamps: [{ time: minutes(5) }] })
  const halves = (list: Json): Json => {
    const [whole] = list as [JsonObject & { validFor: JsonObject }]
    const end = minutes(2).toISOString()
    return [
      { ...whole, validFor: { ...whole.validFor, end } },
      { ...whole, validFor: { start: end } },
    ]
  }
  const trustedRoot = rootOf(instance, ['certificateAuthorities', halves])
  assert.deepEqual(codes(check(bundle, { signer: { ...signer, trustedRoot } })), [
    'SIGSTORE_CERTIFICATE_TIME',
  ])
})

test('the certificate is for signing code, by a signer who is no authority', () => {
  const bad = {
    'without a purpose': { purpose: none },
    'for servers': { purpose: extKeyUsage(false, '1.3.6.1.5.5.7.3.1') },
    'for any purpose': { purpose: extKeyUsage(false, '2.5.29.37.0') },
    'of an authority': { more: basicConstraints(true) },
    'for signing certificates': { usage: keyUsage(5) },
    'with something critical that nobody knows': { more: extension('1.2.3.4', text('?'), true) },
  }
  for (const [how, change] of Object.entries(bad)) {
    const found = refused({ extensions: extensions(change) })
    assert.deepEqual(found, ['SIGSTORE_CERTIFICATE'], how)
  }
})

test('the certificate names one signer, in a way that can be compared', () => {
  const other = uriName('https://git.test/other')
  const bad = {
    'no name': { name: none },
    'two names': { name: subjectAltName(uriName(subject), other) },
    'an empty list': { name: subjectAltName() },
    'a host': { name: subjectAltName(text('acme.test', tags.primitive(2))) },
    'a URI with a zero byte': { name: subjectAltName(uriName(`${subject}\0.evil.test`)) },
    'an email address with a line break': { name: subjectAltName(emailName('a@b\n.test')) },
    'two issuers': { issuer: fulcio(8, 'https://evil.test'), more: fulcio(1, issuer) },
    'an issuer with a zero byte': { issuer: fulcio(8, `${issuer}\0`) },
  }
  for (const [how, change] of Object.entries(bad)) {
    assert.deepEqual(refused({ extensions: extensions(change) }), ['SIGSTORE_DER'], how)
  }
})

test('an extension that stands twice is refused', () => {
  const twice = [...extensions({}), usual.issuer]
  assert.deepEqual(refused({ extensions: twice }), ['SIGSTORE_DER'])
})

test('a certificate without an issuer of identities matches nobody', () => {
  assert.deepEqual(refused({ extensions: extensions({ issuer: none }) }), ['SIGSTORE_IDENTITY'])
})

test('the certificate is in a certificate transparency log of the root', () => {
  assert.deepEqual(refused({ ct: 'none' }), ['SIGSTORE_SCT'])
  assert.deepEqual(refused({ ct: ctLog() }), ['SIGSTORE_SCT'])
  assert.deepEqual(refused({}, ['ctlogs', []]), ['SIGSTORE_SCT'])
})

test('the word of a certificate transparency log is signed by it, for this certificate', () => {
  const impostor = { ...ctLog(), logId: instance.ct.logId }
  assert.deepEqual(refused({ ct: impostor }), ['SIGSTORE_SCT'])
  const sct = sctIn(certificateOf(instance).der)
  const swapped = [...extensions({}), timestampList(sct)]
  assert.deepEqual(refused({ ct: 'none', extensions: swapped }), ['SIGSTORE_SCT'])
})

test('the log of the certificate was in service when it took it in', () => {
  const place = 'ctlogs.0.publicKey.validFor'
  const ended = { start: '2026-01-01T00:00:00Z', end: minutes(-2).toISOString() }
  assert.deepEqual(refused({}, [place, ended]), ['SIGSTORE_SCT'])
  assert.deepEqual(refused({}, [place, { start: signedAt.toISOString() }]), ['SIGSTORE_SCT'])
})

/** A certificate with this list in place of the log's word. */
const listed = (list: Buffer) => refused({ ct: 'none', extensions: [...extensions({}), list] })

test('RFC 6962 §3.3: a list of timestamps is whole, and so is each of them', () => {
  const sct = sctIn(certificateOf(instance).der)
  const changed = (at: number, value: number) => {
    const copy = Buffer.from(sct)
    copy[at] = value
    return copy
  }
  const far = Buffer.from(sct)
  far.fill(0xff, 33, 41)
  const raw = (hex: string) => extension('1.3.6.1.4.1.11129.2.4.2', octets(Buffer.from(hex, 'hex')))
  const size = (length: number) => length.toString(16).padStart(4, '0')
  const one = `${size(sct.length)}${sct.toString('hex')}`
  const bad = {
    'another version': timestampList(changed(0, 1)),
    'extensions beyond the end': timestampList(changed(41, 0xff)),
    'a signature of another length': timestampList(sct.subarray(0, -1)),
    'a time that no calendar has': timestampList(far),
    'nothing in it': timestampList(Buffer.alloc(0)),
    'too little in it': timestampList(Buffer.alloc(20)),
    'more than anybody needs': timestampList(...Array.from({ length: 17 }, () => sct)),
    'another length of the list': raw(`${size(sct.length + 3)}${one}`),
    'a byte behind it': raw(`${size(sct.length + 2)}${one}00`),
    'no list': raw('00'),
  }
  for (const [how, list] of Object.entries(bad))
    assert.deepEqual(listed(list), ['SIGSTORE_DER'], how)
})

test('RFC 6962 §2.1.4: logs sign with SHA-256, and with the algorithm of their key', () => {
  const named = (...sctAlgorithm: readonly number[]) =>
    refused({ sctAlgorithm: Uint8Array.from(sctAlgorithm) })
  assert.deepEqual(named(4, 3), [])
  assert.deepEqual(named(5, 3), ['SIGSTORE_SCT'])
  assert.deepEqual(named(4, 1), ['SIGSTORE_SCT'])
})

test('a log of certificates with an RSA key is verified', () => {
  const keys = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const log = ctLog(keys)
  const key: Edit = [
    'ctlogs.0.publicKey',
    {
      rawBytes: keys.publicKey.export({ type: 'pkcs1', format: 'der' }).toString('base64'),
      keyDetails: 'PKCS1_RSA_PKCS1V5',
      validFor: { start: '2026-01-01T00:00:00Z' },
    },
  ]
  const id: Edit = ['ctlogs.0.logId.keyId', log.logId.toString('base64')]
  assert.deepEqual(refused({ ct: log }, key, id), [])
  assert.deepEqual(refused({ ct: { ...ctLog(), logId: log.logId } }, key, id), ['SIGSTORE_SCT'])
})

test('thresholds of certificate transparency count logs', () => {
  const thresholds = { scts: 2 }
  assert.deepEqual(codes(check(signBundle(instance), { thresholds })), ['SIGSTORE_SCT'])
  const certificate: CertificateOptions = { ct: 'none' }
  assert.deepEqual(
    codes(check(signBundle(instance, { certificate }), { thresholds: { scts: 0 } })),
    [],
  )
})

const lookAlikes: readonly (readonly [string, string])[] = [
  ['https://git.test/acme/shop-evil/.github/workflows/release.yml@refs/heads/main', issuer],
  ['https://git.test/acme/shop/.github/workflows/release.yml@refs/heads/main2', issuer],
  ['https://gitXtest/acme/shop/.github/workflows/release.yml@refs/heads/main', issuer],
  [subject.toUpperCase(), issuer],
  [`x${subject}`, issuer],
  [subject, 'https://accounts.test.evil'],
  [subject, 'https://accounts.tes'],
  [subject, 'https://accounts.test/'],
]

for (const [name, by] of lookAlikes) {
  test(`${name} of ${by} is not the expected signer`, () => {
    const change = { name: subjectAltName(uriName(name)), issuer: fulcio(8, by) }
    assert.deepEqual(refused({ extensions: extensions(change) }), ['SIGSTORE_IDENTITY'])
  })
}

test('the signing key is of a kind that is used, and large enough', () => {
  const weak: SignOptions = {
    certificate: { keys: generateKeyPairSync('rsa', { modulusLength: 1024 }) },
  }
  assert.deepEqual(codes(check(signBundle(instance, weak))), ['SIGSTORE_KEY'])
})

test('a public key is not a certificate, and a certificate is not a public key', () => {
  const keys = ecKeys()
  const known = { publicKey: keys.publicKey }
  assert.deepEqual(codes(check(signBundle(instance), { signer: known })), ['SIGSTORE_SIGNER_KIND'])
  const bundle = signBundle(instance, { publicKey: keys })
  assert.deepEqual(codes(check(bundle)), ['SIGSTORE_SIGNER_KIND'])
})

test('the key that signed is the key that is trusted', () => {
  const bundle = signBundle(instance, { publicKey: ecKeys(), logs: [] })
  const known = { publicKey: ecKeys().publicKey }
  assert.deepEqual(codes(check(bundle, { signer: known })), ['SIGSTORE_SIGNATURE'])
})

test('a key with a period needs a trusted time inside it', () => {
  const keys = ecKeys()
  const known = { publicKey: keys.publicKey, trustedRoot: signer.trustedRoot }
  const [start, end] = [minutes(-5).getTime(), minutes(5).getTime()]
  const logged = signBundle(instance, { publicKey: keys })
  const bare = signBundle(instance, { publicKey: keys, logs: [] })
  const within = { ...known, validFor: { start, end } }
  assert.deepEqual(codes(check(logged, { signer: within })), [])
  assert.deepEqual(codes(check(bare, { signer: within })), ['SIGSTORE_TIME_MISSING'])
  const over = { ...known, validFor: { start, end: minutes(-1).getTime() } }
  assert.deepEqual(codes(check(logged, { signer: over })), ['SIGSTORE_KEY_TIME'])
})

/** The one SCT of a certificate. */
function sctIn(der: Buffer): Buffer {
  const start = der.indexOf(instance.ct.logId) - 1
  return der.subarray(start, start + der.readUInt16BE(start - 2))
}
