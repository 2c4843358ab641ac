// Tokens that anybody can make up, of an issuer that does not answer: on everything that listens.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { call, makeHome, startInside, until } from './gate.ts'

const limits = 'limits: {concurrent: 2}'
const base64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

test('who waits for an issuer that does not answer takes no place of those who are answered', async (t) => {
  let looks = 0
  const hole = createServer(() => (looks += 1)).unref()
  hole.listen(0, '127.0.0.1')
  await once(hole, 'listening')
  t.after(() => {
    hole.close()
    hole.closeAllConnections()
  })
  const issuer = `http://127.0.0.1:${(hole.address() as AddressInfo).port}`
  const home = await makeHome(`  oidc:
    - {issuer: '${issuer}', audience: gate, keysUrl: '${issuer}/keys', grants: [{claims: {sub: a}, roles: [deployer]}]}
serve: {port: 0, ${limits}}
proxies:
  oci:
    port: 0
    ${limits}
    upstreams: {registry.example: 'http://127.0.0.1:1'}
    targets: [{prefix: registry.example/, environment: production, service: shop}]
  npm:
    port: 0
    ${limits}
    upstream: http://127.0.0.1:1
    target: {environment: production, service: shop}
`)
  t.after(() => home.close())
  const gate = await startInside(home)
  const addressIn = (event: string): string => {
    const line = gate.journal.find((text) => text.includes(event)) ?? '{}'
    return (JSON.parse(line) as { address: string }).address
  }
  const madeUp = `${base64({ alg: 'ES256' })}.${base64({ iss: issuer })}.${'A'.repeat(86)}`
  const asked = `Bearer ${madeUp}`
  const password = `Basic ${Buffer.from(`jo:${madeUp}`).toString('base64')}`
  const places = [
    [gate.address, '/api/v1/targets', asked],
    [addressIn('OCI proxy listening'), '/v2/', password],
    [addressIn('npm proxy listening'), '/-/ping', asked],
  ] as const
  const waiting = places.flatMap(([address, path, authorization]) =>
    [1, 2, 3].map(() => call(address, path, { headers: { authorization } })),
  )
  await until('each asks the issuer', () => looks === places.length)
  for (const [address, path] of places)
    assert.equal((await call(address, path, { as: 'deployer' })).status, 200, address)
  const answers = await Promise.all(waiting)
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([503]))
})
