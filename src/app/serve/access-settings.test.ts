import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { catalogue, SallyportError } from '#error'
import { accessOf } from './access-settings.ts'

const folder = mkdtempSync(join(tmpdir(), 'sallyport-keys-'))
test.after(() => rmSync(folder, { recursive: true }))
const file = join(folder, 'jwks.json')

function read(text: string | undefined) {
  rmSync(file, { force: true })
  if (text !== undefined) writeFileSync(file, text)
  const oidc = [{ issuer: 'https://issuer.example', audience: 'gate', keysFile: file, grants: [] }]
  return accessOf({ access: { tokens: [], certificates: [], oidc } })
}

/** No algorithm that is accepted verifies with these. */
const useless = [
  generateKeyPairSync('x25519'),
  generateKeyPairSync('x448'),
  generateKeyPairSync('ed448'),
  generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
].map(({ publicKey }) => publicKey.export({ format: 'jwk' }))

/** RFC 7517, section 4.3. */
const notForVerifying = [[], ['sign'], ['encrypt', 'wrapKey'], 'verify', null, ['verify', 'verify']]

test('keys of an issuer are those of its file that tokens can be proven with; others are passed over', async () => {
  const { publicKey } = generateKeyPairSync('ed25519')
  const good = { ...publicKey.export({ format: 'jwk' }), kid: 'a' }
  const toVerify = { ...good, kid: 'b', use: 'sig', key_ops: ['verify'] }
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey
  const keys = [
    { kty: 'of tomorrow' },
    { kty: 'OKP', crv: 'of tomorrow', x: 'AQAB' },
    { ...good, use: 'enc' },
    { ...good, use: null },
    ...notForVerifying.map((ops) => ({ ...good, key_ops: ops })),
    short.export({ format: 'jwk' }),
    ...useless,
    good,
    toVerify,
  ]
  const { keys: kept } = (await read(JSON.stringify({ keys }))).oidc[0] ?? {}
  assert.ok(kept !== undefined && 'json' in kept)
  assert.deepEqual(JSON.parse(kept.json), { keys: [good, toVerify] })
})

const toSign = {
  ...generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }),
  key_ops: ['sign'],
}

test('a file that holds no keys is a mistake of the configuration, which names it', async () => {
  for (const [text, code] of [
    [undefined, 'FILE_NOT_FOUND'],
    ['not json', 'DOCUMENT_SYNTAX'],
    ['{}', 'DOCUMENT_SHAPE'],
    ['{"keys":[]}', 'DOCUMENT_SHAPE'],
    ['{"keys":[7]}', 'DOCUMENT_SHAPE'],
    ['{"keys":[{"kty":"of tomorrow"}]}', 'DOCUMENT_SHAPE'],
    ['{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}', 'DOCUMENT_SHAPE'],
    ['{"keys":[{"kty":"EC","crv":"P-256","x":"AQAB","y":"AQAB"}]}', 'DOCUMENT_SHAPE'],
    [JSON.stringify({ keys: useless }), 'DOCUMENT_SHAPE'],
    [JSON.stringify({ keys: [toSign] }), 'DOCUMENT_SHAPE'],
  ] as const) {
    await assert.rejects(read(text), (error) => {
      assert.ok(error instanceof SallyportError)
      assert.equal(error.code, code)
      assert.ok(error.where?.startsWith(file))
      return catalogue[error.code].exit === 2
    })
  }
})

test('a secret in the file of an issuer is refused by name, whatever lies beside it, and never shown', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const good = publicKey.export({ format: 'jwk' })
  for (const [secret, found] of [
    [privateKey.export({ format: 'jwk' }), 'a private key'],
    [{ ...privateKey.export({ format: 'jwk' }), use: 'enc' }, 'a private key'],
    [{ kty: 'oct', k: 'c2VjcmV0' }, 'a shared secret'],
  ] as const) {
    for (const keys of [[secret], [good, secret]]) {
      await assert.rejects(read(JSON.stringify({ keys })), (error) => {
        assert.ok(error instanceof SallyportError)
        assert.equal(error.found, found)
        assert.equal(error.where, `${file}: keys.${keys.length - 1}`)
        assert.match(error.fix, new RegExp(`${found} lies in ${file}`))
        const text = JSON.stringify(error.problems)
        return ![secret.d, secret.k].some((value) => value !== undefined && text.includes(value))
      })
    }
  }
})
