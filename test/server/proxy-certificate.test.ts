// What a page of another site has a browser pull with its certificate is pulled by nobody.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync } from 'node:fs'
import { get } from 'node:https'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeAuthority } from './certificates.ts'
import { makeHome, startInside } from './gate.ts'

test('a certificate pulls images at a command line, and not for a page of another site', async (t) => {
  const tls = '{certificate: tls/gate.crt, key: tls/gate.key, clientAuthorities: tls/ca.crt}'
  const home = await makeHome(`  certificates: [{subject: node-1, roles: [deployer]}]
proxies:
  oci:
    port: 0
    tls: ${tls}
    upstreams: {registry.example: 'http://127.0.0.1:1'}
    targets: [{prefix: registry.example/, environment: production, service: shop}]
`)
  t.after(() => home.close())
  const folder = join(home.folder, 'tls')
  mkdirSync(folder)
  const authority = makeAuthority(folder)
  authority.issue('gate', 'gate')
  const { certificate, key } = authority.issue('node', 'node-1')
  const { journal } = await startInside(home)
  const line = journal.find((text) => text.includes('OCI proxy listening')) ?? '{}'
  const { address } = JSON.parse(line) as { address: string }
  const files = { cert: readFileSync(certificate), key: readFileSync(key) }
  const options = { ...files, ca: readFileSync(authority.certificate), agent: false as const }
  const statusOf = (headers: Readonly<Record<string, string>>) =>
    new Promise<number | undefined>((resolve, reject) => {
      get(new URL('/v2/', address), { ...options, headers }, (response) => {
        response.resume()
        resolve(response.statusCode)
      }).on('error', reject)
    })
  assert.equal(await statusOf({}), 200)
  assert.equal(await statusOf({ 'sec-fetch-site': 'cross-site' }), 401)
  assert.equal(await statusOf({ origin: 'https://evil.example' }), 401)
})
