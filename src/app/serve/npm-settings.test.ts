import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { NpmProxyConfig } from '#config'
import { checkShape } from '#document'
import { SallyportError } from '#error'
import { npmProxySchema } from '../../config/npm-proxy-schema.ts'
import { npmSettings } from './npm-settings.ts'

const dir = mkdtempSync(join(tmpdir(), 'sallyport-npm-settings-'))
after(() => rmSync(dir, { recursive: true, force: true }))

const target = { environment: 'build', service: 'npm' }
const configOf = (more: object): NpmProxyConfig =>
  checkShape(
    npmProxySchema,
    { upstream: 'https://registry.example', target, ...more },
    { what: 'proxies.npm' },
  )
const pem = (type: 'ec' | 'ed25519', half: 'public' | 'private' = 'public'): string => {
  const pair =
    type === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('ed25519')
  const { publicKey, privateKey } = pair
  return half === 'public'
    ? publicKey.export({ type: 'spki', format: 'pem' }).toString()
    : privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

test('a token goes with its own registry, and a registry has the target of all unless it has its own', async () => {
  const tokenFile = join(dir, 'token')
  writeFileSync(tokenFile, 'secret-token\n')
  const own = { environment: 'build', service: 'acme' }
  const scopes = {
    '@acme': { registry: 'https://npm.acme.example/x', tokenFile, target: own },
    '@free': 'https://free.example',
  }
  const settings = await npmSettings(configOf({ scopes }), 'sallyport.yaml')
  assert.deepEqual(settings.upstream, { url: 'https://registry.example/', target })
  assert.deepEqual(Object.fromEntries(settings.scopes), {
    '@acme': {
      url: 'https://npm.acme.example/x/',
      target: own,
      authorization: 'Bearer secret-token',
    },
    '@free': { url: 'https://free.example/', target },
  })
})

for (const [name, text] of [
  ['that is not there', undefined],
  ['that is empty', ''],
  ['with two lines', 'secret\nsecret'],
] as const) {
  test(`a token file ${name} is refused, and what is in it is not told`, async () => {
    const tokenFile = join(dir, `bad-${name.replaceAll(' ', '-')}`)
    if (text !== undefined) writeFileSync(tokenFile, text)
    const config = configOf({ upstream: { registry: 'https://registry.example', tokenFile } })
    await assert.rejects(npmSettings(config, 'sallyport.yaml'), (error: unknown) => {
      assert.ok(error instanceof SallyportError)
      assert.equal(error.code, 'CONFIG_PROXY')
      assert.doesNotMatch(JSON.stringify(error), /secret/)
      return true
    })
  })
}

test('keys of a registry are public keys for ECDSA P-256', async () => {
  const settings = async (publicKey: string) =>
    npmSettings(configOf({ signatures: [{ keyid: 'SHA256:x', publicKey }] }), 'sallyport.yaml')
  assert.deepEqual([...((await settings(pem('ec'))).signatures?.keys() ?? [])], ['SHA256:x'])
  for (const wrong of [pem('ed25519'), pem('ec', 'private'), 'no key']) {
    await assert.rejects(settings(wrong), { code: 'CONFIG_PROXY' })
  }
})
