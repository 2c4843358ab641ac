// `sallyport probe-bypass` past the proxies: what registries give to somebody who shows nothing (DEP-04).
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pusherTo } from '../../src/evidence/testing/push.ts'
import {
  startTestRegistry,
  type TestRegistry,
  type TestRegistryOptions,
} from '../../src/evidence/testing/registry.ts'
import { runInProcess } from '../scenarios/in-process.ts'
import { makeHome, type GateHome } from '../server/gate.ts'

interface Report {
  readonly findings: readonly { readonly way: string; readonly fix: string }[]
  readonly closed: readonly { readonly way: string; readonly by: string }[]
  readonly unknown: readonly { readonly way: string; readonly why: string }[]
  readonly notes: readonly string[]
}

const account = { username: 'gate', password: 'a-secret-of-the-gate' }
const kinds = {
  'basic.example': { auth: { kind: 'basic', ...account } },
  'token.example': { auth: { kind: 'token', ...account } },
  'hidden.example': { auth: { kind: 'token', ...account, everybody: 'not found' } },
  'hub.example': { auth: { kind: 'token', ...account, everybody: 'served' } },
} as const satisfies Readonly<Record<string, TestRegistryOptions>>
type Name = keyof typeof kinds

const registries = new Map<string, TestRegistry>()
let home: GateHome
let digest = ''
let npm: NpmRegistry

before(async () => {
  for (const [name, options] of Object.entries(kinds)) {
    const registry = await startTestRegistry(options)
    registries.set(name, registry)
    digest = (await pusherTo(registry.base, 'acme/shop').image('shop', '1.0')).digest
  }
  npm = await startNpmRegistry()
  home = await makeHome()
  const auth = Buffer.from(`${account.username}:${account.password}`).toString('base64')
  const auths = [...registries.values()].map(({ host }) => [host, { auth }])
  const credentials = join(home.folder, 'docker.json')
  writeFileSync(credentials, JSON.stringify({ auths: Object.fromEntries(auths) }), { mode: 0o600 })
  writeFileSync(join(home.folder, 'npm-token'), 'token-of-the-gate')
  const config = join(home.folder, 'sallyport.yaml')
  const text = readFileSync(config, 'utf8')
  const places = /^evidence: \{registries: \{/m
  writeFileSync(config, text.replace(places, '$&credentials: docker.json, '))
})

after(async () => {
  for (const registry of registries.values()) await registry.close()
  npm?.server.close()
  npm?.server.closeAllConnections()
  await home?.close()
})

interface NpmRegistry {
  readonly server: Server
  readonly url: string
  /** Path and authorization of each request. */
  readonly asked: string[]
}

/** Serves `left-pad` to everybody, `@acme/tool` with a token, and hides `@acme/hidden` from those without. */
async function startNpmRegistry(): Promise<NpmRegistry> {
  const asked: string[] = []
  const server = createServer(({ url = '', headers: { authorization = '' } }, response) => {
    asked.push(`${url} ${authorization}`.trim())
    const isGate = authorization === 'Bearer token-of-the-gate'
    const path = url.replace(/^\/(?:own|public)/, '')
    if (path === '/page') response.writeHead(200, { 'content-type': 'text/html' }).end('log in')
    else if (path === '/left-pad' || (isGate && path.startsWith('/@acme%2f')))
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    else response.writeHead(path === '/@acme%2ftool' ? 401 : 404).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** With these proxies in its configuration; `anybody` is asked for what is named. */
async function probe(proxies: string, ...named: readonly string[]) {
  const config = join(home.folder, 'sallyport.yaml')
  const before = readFileSync(config, 'utf8')
  appendFileSync(config, proxies)
  try {
    return await run(home.dir, named)
  } finally {
    writeFileSync(config, before)
  }
}

async function run(dir: string, named: readonly string[]) {
  const pulls = named.flatMap((one) => ['--pull', one])
  const said = await runInProcess(['probe-bypass', '--no-cluster', '--json', ...pulls], { dir })
  return { exit: said.exit, stderr: said.stderr, report: said.json as unknown as Report }
}

const target = 'environment: production, service: shop'
function oci(name: Name | 'gone.example', more = ''): string {
  const address = registries.get(name)?.base ?? 'http://127.0.0.1:1'
  return `proxies:
  oci:
    upstreams: {${name}: '${address}'}
    targets: [{prefix: ${name}/acme/, ${target}}]
${more}`
}
const image = (name: string): string => `oci://${name}/acme/shop@sha256:${digest}`

test('a registry that gives nothing to who shows nothing closes the way', async () => {
  const cases = { 'basic.example': /status 401/, 'token.example': /status 401/ } as const
  for (const [name, by] of Object.entries(cases)) {
    const { exit, report } = await probe(oci(name as Name), image(name))
    assert.equal(exit, 0, JSON.stringify(report))
    assert.match(report.closed[0]?.way ?? '', new RegExp(`^past the proxy: ${image(name)} at`))
    assert.match(report.closed[0]?.by ?? '', by)
    const requests = registries.get(name)?.requests ?? []
    const shown = requests.filter((one) => /^GET .* (?:Basic|Bearer)$/.test(one))
    assert.deepEqual(shown, [], 'it was asked with the identity of the gate')
  }
})

test('one that says "not found" closes it when the gate is served, and else it is not known', async () => {
  const hidden = await probe(oci('hidden.example'), image('hidden.example'))
  assert.equal(hidden.exit, 0, JSON.stringify(hidden.report))
  assert.match(hidden.report.closed[0]?.by ?? '', /status 404, and it is there for the gate/)
  const absent = `oci://hidden.example/acme/shop@sha256:${'0'.repeat(64)}`
  const { exit, report } = await probe(oci('hidden.example'), absent)
  assert.deepEqual([exit, report.closed], [3, []])
  assert.match(report.unknown[0]?.why ?? '', /status 404: nothing there, or hidden/)
})

test('one that serves everybody is a way around, by tag and by digest', async () => {
  for (const name of [image('hub.example'), 'oci://hub.example/acme/shop:1.0']) {
    const { exit, report } = await probe(oci('hub.example'), name)
    assert.equal(exit, 1)
    assert.ok(report.findings[0]?.way.includes(name), report.findings[0]?.way)
    assert.match(
      report.findings[0]?.fix ?? '',
      /nobody but the gate.*network.*proxies\.oci\.public/,
    )
  }
})

test('what the configuration calls public is told, and is no finding; nothing else is', async () => {
  const isPublic = (prefix: string) => oci('hub.example', `    public: [${prefix}]\n`)
  const told = await probe(isPublic('hub.example/acme/'), image('hub.example'))
  assert.deepEqual([told.exit, told.report.findings], [0, []])
  assert.match(told.report.notes[0] ?? '', /hub\.example.*to everybody.*only a network/)
  const other = await probe(isPublic('hub.example/library/'), image('hub.example'))
  assert.equal(other.exit, 1)
})

test('a registry that cannot be reached, or of which nothing is known, is not closed', async () => {
  const gone = await probe(oci('gone.example'), image('gone.example'))
  assert.deepEqual([gone.exit, gone.report.closed], [3, []])
  assert.match(gone.report.unknown[0]?.why ?? '', /127\.0\.0\.1:1: ECONNREFUSED/)
  const nothing = await probe(oci('hub.example'))
  assert.equal(nothing.exit, 3)
  assert.match(nothing.report.unknown[0]?.why ?? '', /--pull/)
  const { exit, report } = await probe('')
  assert.deepEqual([exit, report.unknown[0]?.way], [3, 'registries'])
})

test('npm registries are asked for a packument, each for what is bound to it, without a token', async () => {
  const proxies = (more = '') => `proxies:
  npm:
    anonymous: true
    upstream: ${npm.url}/public/
    target: {${target}}
    scopes: {'@acme': {registry: '${npm.url}/own/', tokenFile: npm-token}}
${more}`
  const all = [
    'pkg:npm/left-pad@1.3.0',
    'pkg:npm/%40acme/tool@1.0.0',
    'pkg:npm/%40acme/hidden@1.0.0',
  ]
  const { exit, report } = await probe(proxies(), ...all)
  assert.equal(exit, 1, JSON.stringify(report))
  assert.match(report.findings[0]?.way ?? '', /npm package left-pad at 127/)
  const closed = report.closed.map(({ way, by }) => `${way}: ${by}`)
  assert.match(closed[0] ?? '', /@acme\/tool.*status 401/)
  assert.match(closed[1] ?? '', /@acme\/hidden.*status 404, and it is there for the gate/)
  assert.deepEqual(npm.asked, [
    '/public/left-pad',
    '/own/@acme%2ftool',
    '/own/@acme%2fhidden',
    '/own/@acme%2fhidden Bearer token-of-the-gate',
  ])
  const isPublic = `    public: ['${npm.url}/public']\n`
  const told = await probe(proxies(isPublic), ...all)
  assert.deepEqual([told.exit, told.report.notes.length], [0, 1])
  // A page that asks to log in is no packument.
  const page = await probe(proxies(), 'pkg:npm/page@1.0.0', 'pkg:npm/%40acme/tool@1.0.0')
  assert.deepEqual([page.exit, page.report.findings], [3, []])
})

test('a node has no home of the gate: what is named is asked for where its name says', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-node-'))
  try {
    const [open, shut] = ['hub.example', 'basic.example'].map((name) => registries.get(name)?.host)
    const found = await run(dir, [`oci://${open}/acme/shop:1.0`, `oci://${shut}/acme/shop:1.0`])
    assert.equal(found.exit, 1, found.stderr)
    assert.deepEqual([found.report.findings.length, found.report.closed.length], [1, 1])
    const file = await run(dir, ['shop.tar.gz'])
    assert.equal(file.exit, 2)
    const missing = await runInProcess(['--home', 'none', 'probe-bypass', '--no-cluster'], { dir })
    assert.match(missing.stderr, /HOME_MISSING/)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})
