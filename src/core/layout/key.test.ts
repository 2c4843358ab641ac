import assert from 'node:assert/strict'
import { constants, generateKeyPairSync, hash, sign, type KeyObject } from 'node:crypto'
import { test } from 'node:test'
import type { JsonObject } from '#document'
import { encodeOlpc } from './olpc.ts'
import { readKeyFile } from './index.ts'
import {
  alice,
  check,
  codes,
  encode,
  layout,
  link,
  metablock,
  owner,
  step,
} from './testing/chain.ts'

const built = link('build', {}, { out: '1' })
const data = encodeOlpc(built, 'test')
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

/** A layout whose one functionary has this key, and one link. */
function judge(
  id: string,
  key: JsonObject,
  signature: JsonObject,
  steps = [{ ...step(), pubkeys: [id] }],
) {
  const signed = metablock(layout({ keys: { [id]: key }, steps }), owner)
  const { keyid } = signature
  assert.ok(typeof keyid === 'string')
  const file = encode({ signed: built, signatures: [signature] })
  return codes(check(signed, { [`build.${keyid.slice(0, 8)}.link`]: file }))
}

function plain(keytype: string, scheme: string, key: KeyObject): JsonObject {
  const text = String(key.export({ type: 'spki', format: 'pem' })).trim()
  return { keytype, scheme, keyval: { public: text } }
}

test('RSA and ECDSA keys sign as in-toto has them sign, and in no other way', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pss = { key: rsa.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const cases = [
    [plain('rsa', 'rsassa-pss-sha256', rsa.publicKey), sign('sha256', data, pss), 'holds'],
    [
      plain('rsa', 'rsassa-pss-sha256', rsa.publicKey),
      sign('sha256', data, rsa.privateKey),
      ['LAYOUT_THRESHOLD'],
    ],
    [
      plain('ecdsa', 'ecdsa-sha2-nistp256', ec.publicKey),
      sign('sha256', data, ec.privateKey),
      'holds',
    ],
    [
      plain('ecdsa', 'ecdsa-sha2-nistp384', ec.publicKey),
      sign('sha256', data, ec.privateKey),
      ['LAYOUT_KEY'],
    ],
    [
      plain('rsa', 'ecdsa-sha2-nistp256', ec.publicKey),
      sign('sha256', data, ec.privateKey),
      ['LAYOUT_KEY'],
    ],
  ] as const
  for (const [key, sig, expected] of cases) {
    assert.deepEqual(judge('k'.repeat(8), key, { keyid: 'k'.repeat(8), sig: hex(sig) }), expected)
  }
})

test('a weak RSA key is refused', () => {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const key = plain('rsa', 'rsassa-pss-sha256', publicKey)
  assert.deepEqual(judge('k'.repeat(8), key, { keyid: 'k'.repeat(8), sig: '00' }), [
    'TRUST_KEY_WEAK',
  ])
})

test('a key file goes by every id that in-toto has given it, as PEM and as JSON', () => {
  const json = readKeyFile(encode(alice.publicKey), 'alice.pub')
  const pem = readKeyFile(Buffer.from(alice.publicPem), 'alice.pem')
  const { keyid_hash_algorithms: _, ...bare } = alice.publicKey
  for (const { ids } of [json, pem]) {
    assert.ok(ids.includes(alice.id))
    assert.ok(ids.includes(hash('sha256', encodeOlpc(bare, 'test'))))
  }
  assert.equal(json.material, pem.material)
  for (const bytes of [
    Buffer.from('{'),
    encode([]),
    encode({}),
    Buffer.from('x'),
    Buffer.alloc(70_000, 0x20),
  ]) {
    assert.throws(() => readKeyFile(bytes, 'key'), { name: 'SallyportError' })
  }
})

/** What OpenPGP signs: content, the signed part of the packet, and its length. */
const headers = Buffer.from('04000108001d162104', 'hex')
const trailer = Buffer.concat([Buffer.from('04ff', 'hex'), Buffer.from([0, 0, 0, headers.length])])
const content = Buffer.concat([data, headers, trailer])

function rsaGpg(keyid: string, more: JsonObject = {}) {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const { n = '', e = '' } = publicKey.export({ format: 'jwk' })
  const number = (text: string) => hex(Buffer.from(text, 'base64url'))
  const key: JsonObject = {
    keyid,
    type: 'rsa',
    method: 'pgp+rsa-pkcsv1.5',
    hashes: ['pgp+SHA2'],
    keyval: { public: { n: number(n), e: number(e) }, private: '' },
    ...more,
  }
  const signature = sign('sha256', content, privateKey)
  return { key, signature: { keyid, other_headers: hex(headers), signature: hex(signature) } }
}

test('OpenPGP keys sign content, headers and length', () => {
  const id = 'aaaaaaaabbbb'
  const { key, signature } = rsaGpg(id)
  assert.equal(judge(id, key, signature), 'holds')
  const bad = ['LAYOUT_THRESHOLD']
  assert.deepEqual(judge(id, key, { ...signature, other_headers: '0400' }), bad)
  assert.deepEqual(judge(id, key, { keyid: id, sig: signature.signature }), bad)
  assert.deepEqual(judge(id, { ...key, method: 'pgp+dsa-fips-180-2' }, signature), ['LAYOUT_KEY'])
  const ed = generateKeyPairSync('ed25519')
  const q = hex(Buffer.from(ed.publicKey.export({ format: 'jwk' }).x ?? '', 'base64url'))
  const edKey = { ...key, type: 'eddsa', method: 'pgp+eddsa-ed25519', keyval: { public: { q } } }
  const edSig = sign(null, hash('sha256', content, 'buffer'), ed.privateKey)
  assert.equal(judge(id, edKey, { ...signature, signature: hex(edSig) }), 'holds')
})

test('an OpenPGP key that has expired signs nothing any more', () => {
  const id = 'aaaaaaaabbbb'
  const until = (seconds: number) => ({ creation_time: 1_700_000_000, validity_period: seconds })
  const early = rsaGpg(id, until(1000))
  assert.deepEqual(judge(id, early.key, early.signature), ['LAYOUT_THRESHOLD'])
  const late = rsaGpg(id, until(1_000_000_000))
  assert.equal(judge(id, late.key, late.signature), 'holds')
  const odd = rsaGpg(id, { validity_period: 5 })
  assert.deepEqual(judge(id, odd.key, odd.signature), ['LAYOUT_FORMAT'])
})

test('a subkey signs for its key, and both together are one functionary', () => {
  const sub = rsaGpg('ccccccccdddd')
  const main = rsaGpg('aaaaaaaabbbb', { subkeys: { ccccccccdddd: sub.key } })
  const id = 'aaaaaaaabbbb'
  assert.equal(judge(id, main.key, sub.signature), 'holds')
  assert.equal(
    judge(id, main.key, sub.signature, [{ ...step(), pubkeys: ['ccccccccdddd'] }]),
    'holds',
  )
  // Trust in a subkey is no trust in the key that it belongs to.
  assert.deepEqual(
    judge(id, main.key, main.signature, [{ ...step(), pubkeys: ['ccccccccdddd'] }]),
    ['LAYOUT_LINK_MISSING'],
  )
  const steps = [{ ...step({ threshold: 2 }), pubkeys: [id, 'ccccccccdddd'] }]
  const signed = metablock(layout({ keys: { [id]: main.key }, steps }), owner)
  const file = (signature: JsonObject) => encode({ signed: built, signatures: [signature] })
  const links = {
    'build.aaaaaaaa.link': file(main.signature),
    'build.cccccccc.link': file(sub.signature),
  }
  assert.deepEqual(codes(check(signed, links)), ['LAYOUT_THRESHOLD'])
})
