import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadConfig, type Config } from '#config'
import { makeAuthority } from '../../../test/server/certificates.ts'
import { grantsOfConfig } from './of-config.ts'
import { grantsHeld } from './held.ts'
import { accessPaths } from './paths.ts'

const folder = mkdtempSync(join(tmpdir(), 'sallyport-paths-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
const home = join(folder, '.sallyport')
mkdirSync(home)
const { certificate, key } = makeAuthority(home).issue('gate', 'sallyport')
writeFileSync(join(home, 'db.pass'), 'hunter2\n', { mode: 0o600 })
writeFileSync(join(home, 'secret'), 'hunter2\n', { mode: 0o600 })
const auth = Buffer.from('robot:hunter2').toString('base64')
const entries = { 'a.example': { auth }, 'https://u:hunter2@b.example/v2/': { identitytoken: 'x' } }
writeFileSync(join(home, 'docker.json'), JSON.stringify({ auths: entries }))

function configOf(more: string): Config {
  const log = 'log: {origin: log.example/x, verifierKeys: [k]}'
  const text = `apiVersion: sallyport.dev/v1\nkind: Config\n${log}\n${more}`
  writeFileSync(join(home, 'sallyport.yaml'), text)
  return loadConfig({ cwd: folder, env: {} })
}

async function findings(more: string): Promise<readonly string[]> {
  const { paths } = await accessPaths(configOf(more))
  return paths.flatMap((one) => one.findings.map(({ code }) => `${one.name}: ${code}`))
}

const weak = `
serve: {host: 0.0.0.0, plainHttpUnsafe: true, open: {log: true, metrics: true}}
admission: {others: {environment: prod, service: shop}}
proxies:
  oci: {anonymous: true, upstreams: {r.example: 'http://r.example'}, targets: [{prefix: r.example/, environment: prod, service: shop}]}
evidence: {registries: {credentials: docker.json, plainHttp: [p.example]}}
store: {postgres: {url: 'postgresql://gate@db.example/log', passwordFile: db.pass, plaintextUnsafe: true}}
alarms:
  webhook: [{url: 'https://hooks.example/very-secret-path'}]
  smtp: [{host: mail.example, from: a@b.example, to: [a@b.example], tls: 'off'}]
  syslog: [{host: log.example, protocol: udp}]
`

const strong = `
serve: {host: 0.0.0.0, tls: {certificate: gate.crt, key: gate.key, clientAuthorities: ca.crt}}
access: {certificates: [{subject: ops, roles: [viewer]}]}
admission: {clients: [api-server], others: {environment: prod, service: shop}}
evidence: {registries: {allow: [r.example]}}
store: {postgres: {url: 'postgresql://gate@db.example/log', certificate: gate.crt, key: gate.key, ca: ca.crt}}
alarms:
  webhook: [{url: 'https://hooks.example/very-secret-path', secretFile: secret}]
  smtp: [{host: mail.example, from: a@b.example, to: [a@b.example]}]
  syslog: [{socket: /dev/log}]
`

test('a password alone, nobody asked, and no TLS are findings', async () => {
  assert.deepEqual(await findings(weak), [
    'API: ACCESS_PATH_PLAINTEXT',
    'entries of the log: ACCESS_PATH_OPEN',
    'entries of the log: ACCESS_PATH_PLAINTEXT',
    'metrics: ACCESS_PATH_OPEN',
    'metrics: ACCESS_PATH_PLAINTEXT',
    'health, and hashes of the log: ACCESS_PATH_PLAINTEXT',
    'admission webhook: ACCESS_PATH_OPEN',
    'admission webhook: ACCESS_PATH_PLAINTEXT',
    'OCI proxy: ACCESS_PATH_OPEN',
    'PostgreSQL: ACCESS_PATH_PASSWORD',
    'PostgreSQL: ACCESS_PATH_PLAINTEXT',
    'registry: ACCESS_PATH_PASSWORD',
    'registry: ACCESS_PATH_PLAINTEXT',
    'registry: ACCESS_PATH_PLAINTEXT',
    'alarm by webhook: ACCESS_PATH_OPEN',
    'alarm by mail: ACCESS_PATH_PLAINTEXT',
    'alarm by syslog: ACCESS_PATH_OPEN',
    'alarm by syslog: ACCESS_PATH_PLAINTEXT',
  ])
})

test('certificates, tokens that end, signatures and TLS leave no finding', async () => {
  assert.deepEqual(await findings(strong), [])
  // What is not told anybody leaves this machine neither.
  assert.deepEqual(await findings('serve: {host: 127.0.0.1}'), [])
})

test('a certificate for the database takes the place of its password, and is one on a path with TLS', async () => {
  const { paths } = await accessPaths(configOf(strong))
  const found = paths.find(({ name }) => name === 'PostgreSQL')
  assert.deepEqual(
    [found?.proofs, found?.proof, found?.protection],
    [['keys'], 'client certificate', 'mutual TLS'],
  )
})

test('a client certificate that no authority stands behind is no way in', async () => {
  const { paths } = await accessPaths(
    configOf('access: {certificates: [{subject: ops, roles: [viewer]}]}'),
  )
  assert.equal(paths.find(({ name }) => name === 'API')?.proof, 'nobody may ask')
})

const told = `
build: {record: {url: 'https://records.example/very-secret-path', token: secret, origin: records.example, verifierKeys: [k]}}
store: {postgres: {url: 'postgresql://gate@db.example/log', certificate: gate.crt, key: gate.key}}
events:
  sinks:
    - {name: siem, syslog: {host: siem.example, certificate: gate.crt, key: gate.key}}
    - {name: hook, webhook: {url: 'https://hooks.example/very-secret-path', secretFile: secret}}
    - {name: lake, webhook: {url: 'https://lake.example/very-secret-path', authorizationFile: secret}}
    - {name: local, file: {path: events.jsonl}}
`

test('what the gate proves itself with to those it tells is held: each secret, token and key once', async () => {
  const held = async (more: string) =>
    (await grantsHeld(configOf(more))).filter(({ kind }) => kind === 'credential')
  assert.deepEqual(
    (await held(told)).map(({ id, may, where }) => [id, may[0], where]),
    [
      [
        'credential:PostgreSQL',
        'keep the log in gate@db.example/log',
        'sallyport.yaml store.postgres.url',
      ],
      [
        'credential:events siem syslog.key',
        'tell events to siem.example (client certificate)',
        'sallyport.yaml events.sinks[0].syslog.key',
      ],
      [
        'credential:events hook webhook.secretFile',
        'tell events to https://hooks.example (shared secret)',
        'sallyport.yaml events.sinks[1].webhook.secretFile',
      ],
      [
        'credential:events lake webhook.authorizationFile',
        'tell events to https://lake.example (token)',
        'sallyport.yaml events.sinks[2].webhook.authorizationFile',
      ],
      [
        'credential:build record records.example',
        'record builds in the log records.example, at https://records.example (bearer token)',
        'sallyport.yaml build.record.token',
      ],
    ],
  )
  const digests = (await held(told)).map(({ sha256 }) => sha256)
  // Another file, or another place that gets it, is something else to be looked at.
  const others = told.replaceAll('secret,', 'other,').replaceAll(': secret}', ': other}')
  const changed = (await held(others.replaceAll('gate.key', 'ca.key'))).map(({ sha256 }) => sha256)
  assert.deepEqual(
    changed.filter((one) => digests.includes(one)),
    [],
  )
  const verified = told.replace(/url: 'https:\/\/records.*token: secret, /, '')
  assert.equal(
    (await held(verified)).length,
    digests.length - 1,
    'who records nothing has no token',
  )
})

test('the way to who records builds is a path, with what is proven there', async () => {
  const { paths } = await accessPaths(configOf(told))
  const found = paths.find(({ name }) => name === 'record of builds')
  assert.deepEqual(
    [found?.direction, found?.address, found?.proofs, found?.protection, found?.findings],
    ['out', 'https://records.example', ['tokens'], 'TLS', []],
  )
  const plain = told.replace('https://records.example', 'http://records.example')
  assert.deepEqual(await findings(plain), ['record of builds: ACCESS_PATH_PLAINTEXT'])
})

test('no secret, and no address that is one, is told', async () => {
  const token = `access: {tokens: [{name: ci, sha256: ${'ab'.repeat(32)}, roles: [viewer], expires: 2099-01-01T00:00:00Z}]}`
  const said = []
  for (const config of [configOf(`${weak}${token}`), configOf(told)])
    said.push(await accessPaths(config), await grantsOfConfig(config), await grantsHeld(config))
  for (const secret of ['hunter2', 'very-secret-path', 'ab'.repeat(32), auth])
    assert.ok(!JSON.stringify(said).includes(secret), secret)
  assert.ok(certificate.startsWith(home) && key.startsWith(home))
})
