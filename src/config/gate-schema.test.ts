import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accessSchema } from './gate-schema.ts'

const grants = [{ claims: { ref: 'main' }, roles: ['deployer'] }]
const placesOf = (keysUrl: string): readonly string[] => {
  const oidc = [{ issuer: 'https://issuer.example', audience: 'gate', keysUrl, grants }]
  const { error } = accessSchema.safeParse({ oidc })
  return error?.issues.map(({ path }) => path.join('.')) ?? []
}

test('keys of an issuer come over TLS, or from this machine', () => {
  for (const url of [
    'https://issuer.example/keys',
    'http://127.0.0.1:1/keys',
    'http://[::1]/keys',
  ]) {
    assert.deepEqual(placesOf(url), [], url)
  }
  // Names that only begin like this machine are those of somebody else.
  for (const host of ['issuer.example', 'localhost.example', '127.0.0.1.example', '127.example']) {
    assert.deepEqual(placesOf(`http://${host}/keys`), ['oidc.0.keysUrl'], host)
  }
})
