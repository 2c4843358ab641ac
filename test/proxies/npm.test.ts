// Done-when 2 of the fourth issue: the real npm installs through the proxy of a running gate. The registry behind it is a
// fake in this process, because a test cannot publish to a real one.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { approvalStatement, predicateTypes } from '#attestation'
import {
  startFakeRegistry,
  type FakeRegistry,
} from '../../src/chokepoint/proxy/npm/testing/fake-registry.ts'
import { packPackage, packTarball } from '../../src/chokepoint/proxy/npm/testing/package.ts'
import {
  builderIds,
  builtRule,
  commit,
  keys,
  provenance,
  signed,
  trustEntries,
  type ProvenanceParts,
} from '../../src/core/decision/testing/fixtures.ts'
import {
  authorityKeyId,
  extKeyUsage,
  fulcio,
  keyUsage,
  subjectAltName,
  uriName,
} from '../../src/core/trust/sigstore/testing/certificates.ts'
import {
  bytesOf,
  createInstance,
  issuer,
  rootJson,
  signBundle,
  subject,
} from '../../src/core/trust/sigstore/testing/instance.ts'
import { trustBytes, type TestKey } from '../../src/core/trust/testing/fixtures.ts'
import { runInProcess } from '../scenarios/in-process.ts'
import {
  call,
  makeHome,
  startInside,
  tokens,
  writePolicy,
  type GateHome,
  type Inside,
} from '../server/gate.ts'

let upstream: FakeRegistry
let internal: FakeRegistry
let home: GateHome
let gate: Inside
let proxy = ''
let folder = ''

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-npm-'))
  upstream = await startFakeRegistry()
  internal = await startFakeRegistry()
  home = await makeHome(`proxies:
  npm:
    port: 0
    anonymous: true
    upstream: ${upstream.url}
    target: {environment: production, service: shop}
    scopes: {'@acme': ${internal.url}}
    reserved: [{prefix: acme-}]
    minimumAge: 7d
    reportPublic: true
`)
  publish(upstream, 'good', ['1.0.0', '1.1.0'])
  gate = await startInside(home)
  proxy = addressOf(gate)
})

after(async () => {
  await home?.close()
  await upstream?.close()
  await internal?.close()
  rmSync(folder, { recursive: true, force: true })
})

function addressOf({ journal }: Inside): string {
  const line = journal.find((text) => text.includes('npm proxy listening')) ?? '{}'
  return (JSON.parse(line) as { address: string }).address
}

/** Publishes versions that a release manager has approved. */
function publish(registry: FakeRegistry, name: string, versions: readonly string[]): void {
  const tarballs = registry.publish(
    name,
    versions.map((version) => ({ version })),
  )
  for (const [version, bytes] of tarballs) approve(registry, `${name}@${version}`, bytes)
}

function approve(registry: FakeRegistry, full: string, bytes: Uint8Array): void {
  const at = full.lastIndexOf('@')
  // As npm's own attestations know a package: by sha512.
  const sha512 = createHash('sha512').update(bytes).digest('hex')
  const statement = approvalStatement([{ name: full, digest: { sha512 } }], {
    environment: 'production',
    reason: 'looked at',
    approvedOn: '2026-05-30T00:00:00Z',
  })
  const { bytes: bundle } = signed(statement, keys.alice)
  registry.attest(full.slice(0, at), full.slice(at + 1), bundle)
}

interface Installed {
  readonly code: number
  readonly stderr: string
  readonly file: (path: string) => string
  readonly has: (path: string) => boolean
}

let count = 0

const empty = { 'package.json': '{"name": "project", "version": "1.0.0"}' }
const install = (...specs: readonly string[]): Promise<Installed> => npm(['install', ...specs])

/** npm in a project of its own, with a cache and a configuration of its own. */
async function npm(
  args: readonly string[],
  files: Readonly<Record<string, string>> = empty,
): Promise<Installed> {
  count += 1
  const dir = join(folder, `project-${count}`)
  mkdirSync(dir)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text)
  const quiet = ['--no-fund', '--no-update-notifier', '--fetch-retries=0']
  const env = {
    PATH: process.env['PATH'],
    HOME: dir,
    NPM_CONFIG_REGISTRY: proxy,
    NPM_CONFIG_AUDIT: 'false',
    NPM_CONFIG_CACHE: join(dir, 'cache'),
    NPM_CONFIG_USERCONFIG: join(dir, 'user.npmrc'),
    NPM_CONFIG_GLOBALCONFIG: join(dir, 'global.npmrc'),
  }
  const { code, stderr } = await new Promise<{ code: number; stderr: string }>((resolve) => {
    execFile('npm', [...args, ...quiet], { cwd: dir, env }, (error, _, text) =>
      resolve({ code: error === null ? 0 : Number(error.code), stderr: text }),
    )
  })
  const at = (path: string): string => join(dir, 'node_modules', path)
  return {
    code,
    stderr,
    file: (path) => readFileSync(at(path), 'utf8'),
    has: (path) => existsSync(at(path)),
  }
}

async function told(name: string, version: string): Promise<{ integrity: string }> {
  const answer = await fetch(`${proxy}/${name}`)
  const { versions } = (await answer.json()) as {
    versions: Readonly<Record<string, { dist: { integrity: string } }>>
  }
  return versions[version]?.dist ?? { integrity: '' }
}

const logged = (): Promise<string> =>
  fetch(`${gate.address}/api/v1/decisions?limit=100`, {
    headers: { authorization: 'Bearer token-of-an-auditor-0123456789' },
  }).then((response) => response.text())

test('npm installs what the policy lets in, and the decision is in the log', async () => {
  const done = await install('good')
  assert.equal(done.code, 0, done.stderr)
  assert.equal(done.file('good/index.js'), 'module.exports = "1.1.0"\n')
  assert.match(await logged(), /"name":"pkg:npm\/good@1\.1\.0"/)
})

test('a package that nobody approved is refused, and npm says why', async () => {
  upstream.publish('stranger', [{ version: '1.0.0' }])
  const done = await install('stranger')
  assert.notEqual(done.code, 0)
  assert.match(done.stderr, /E403/)
  // Once: npm shows the status line, too.
  assert.match(done.stderr, /403 Forbidden - GET/)
  assert.match(done.stderr, /APPROVAL_MISSING .*fix: Have release-managers approve it/)
  assert.equal(done.has('stranger'), false)
})

test('a version that is too young is hidden, another is chosen, and who insists is told why', async () => {
  const published = new Date().toISOString()
  const tarballs = upstream.publish('fresh', [
    { version: '1.0.0' },
    { version: '1.1.0', published },
  ])
  for (const [version, bytes] of tarballs) approve(upstream, `fresh@${version}`, bytes)
  const done = await install('fresh@^1.0.0')
  assert.equal(done.code, 0, done.stderr)
  assert.equal(done.file('fresh/index.js'), 'module.exports = "1.0.0"\n')
  const exact = await install('fresh@1.1.0')
  assert.notEqual(exact.code, 0)
  assert.match(exact.stderr, /Could not download fresh@1\.1\.0 due to policy violations/)
  assert.match(
    exact.stderr,
    /NPM_TOO_YOUNG .*published at least 7d ago.*fix: Choose an older version/,
  )
})

test('a bound scope comes from its own registry, whatever the public one offers', async () => {
  publish(internal, '@acme/tool', ['1.0.0'])
  publish(upstream, '@acme/tool', ['99.0.0'])
  const done = await install('@acme/tool')
  assert.equal(done.code, 0, done.stderr)
  assert.equal(done.file('@acme/tool/index.js'), 'module.exports = "1.0.0"\n')
  assert.equal(
    upstream.asked.some(({ path }) => path.includes('99.0.0')),
    false,
  )
  assert.match(gate.journal.join(''), /a public package has a name that is bound elsewhere/)
  assert.match(await logged(), /NPM_IMPOSTOR/)
})

test('a reserved name is refused, however new the public package is', async () => {
  publish(upstream, 'acme-secrets', ['99.0.0'])
  const done = await install('acme-secrets')
  assert.notEqual(done.code, 0)
  assert.match(done.stderr, /403 Forbidden.*NPM_NAME_RESERVED/)
})

test('a tarball that is not the one that was told of is refused', async () => {
  publish(upstream, 'tampered', ['1.0.0'])
  const evil = packPackage({ name: 'tampered', version: '1.0.0', description: 'evil' })
  upstream.tamper('tampered', '1.0.0', evil)
  const done = await install('tampered')
  assert.notEqual(done.code, 0)
  assert.match(done.stderr, /NPM_INTEGRITY_MISMATCH/)
  assert.equal(done.has('tampered'), false)
})

test('a lock that somebody has packed into a package leads npm nowhere past the proxy', async () => {
  const elsewhere = await startFakeRegistry()
  elsewhere.publish('good', [{ version: '1.0.0', tarball: packed('good', 'evil') }])
  const resolved = `${elsewhere.url}good/-/good-1.0.0.tgz`
  const own = { name: 'wrapped', version: '1.0.0', dependencies: { good: '1.0.0' } }
  const lock = {
    ...own,
    lockfileVersion: 3,
    packages: { '': own, 'node_modules/good': { version: '1.0.0', resolved } },
  }
  const tarball = packTarball({
    'package.json': JSON.stringify(own),
    'npm-shrinkwrap.json': JSON.stringify(lock),
  })
  const manifest = { dependencies: own.dependencies, _hasShrinkwrap: true }
  const tarballs = upstream.publish('wrapped', [{ version: '1.0.0', manifest, tarball }])
  for (const [version, bytes] of tarballs) approve(upstream, `wrapped@${version}`, bytes)
  const done = await install('wrapped')
  await elsewhere.close()
  assert.equal(done.code, 0, done.stderr)
  assert.deepEqual(elsewhere.asked, [])
  assert.equal(done.file('good/index.js'), 'module.exports = "1.0.0"\n')
})

const packed = (name: string, text: string): Uint8Array =>
  packTarball({
    'package.json': JSON.stringify({ name, version: '1.0.0' }),
    'index.js': text,
  })

for (const [where, registry, ...args] of [
  ['npm itself', 'https://registry.npmjs.org'],
  ['one below a path', 'https://npm.example/api/npm/npm', '--replace-registry-host=always'],
]) {
  test(`a locked project installs from the proxy, where its lock file names ${where}`, async () => {
    await checkLocked(`${registry}/good/-/good-1.1.0.tgz`, args)
  })
}

async function checkLocked(resolved: string, args: readonly string[]): Promise<void> {
  const { integrity } = await told('good', '1.1.0')
  const packages = {
    '': { name: 'project', version: '1.0.0', dependencies: { good: '1.1.0' } },
    'node_modules/good': { version: '1.1.0', resolved, integrity },
  }
  const lock = { name: 'project', version: '1.0.0', lockfileVersion: 3, requires: true, packages }
  const done = await npm(['ci', ...args], {
    'package.json': JSON.stringify(packages['']),
    'package-lock.json': JSON.stringify(lock),
  })
  assert.equal(done.code, 0, done.stderr)
  assert.equal(done.file('good/index.js'), 'module.exports = "1.1.0"\n')
}

test('npm audit is answered by the upstream, which hears of no name of ours', async () => {
  const bulk = '/-/npm/v1/security/advisories/bulk'
  upstream.answer(bulk, '{}')
  const done = await npm(['install', 'good', '@acme/tool', '--audit'])
  assert.equal(done.code, 0, done.stderr)
  const bodies = upstream.asked.filter(({ path }) => path === bulk).map(({ body }) => body)
  assert.deepEqual(bodies, ['{"good":["1.1.0"]}'])
})

test('with a policy in audit mode npm installs, and tells what would be refused', async () => {
  const own = await makeHome(
    `proxies: {npm: {port: 0, anonymous: true, upstream: '${upstream.url}', target: {environment: production, service: shop}}}\n`,
  )
  const file = join(own.folder, 'policies/production.yaml')
  writeFileSync(file, `${readFileSync(file, 'utf8')}mode: audit\n`)
  const open = await startInside(own)
  try {
    const done = await npm(['install', 'stranger', '--registry', addressOf(open)])
    assert.equal(done.code, 0, done.stderr)
    assert.match(done.stderr, /npm notice .*pkg:npm\/stranger@1\.0\.0.*APPROVAL_MISSING/)
  } finally {
    await own.close()
  }
})

interface Built {
  readonly parts?: ProvenanceParts
  /** Who signs it: a key, or a certificate with this name in it. */
  readonly by?: TestKey | { readonly name: string }
  /** The package that the provenance is about, in place of the one beside which it lies. */
  readonly about?: Uint8Array
}

const sigstore = createInstance()

/** Publishes a package with the provenance that its pipeline has signed, as npm's own have it. */
function publishBuilt(name: string, { parts = {}, by = keys.builder, about }: Built = {}): void {
  const version = '1.0.0'
  const bytes = upstream.publish(name, [{ version }]).get(version) ?? new Uint8Array()
  const sha512 = createHash('sha512')
    .update(about ?? bytes)
    .digest('hex')
  const named = [{ name: `pkg:npm/${name}@${version}`, digest: { sha512 } }]
  const statement = { ...provenance(parts), subject: named }
  const payload = Buffer.from(JSON.stringify(statement))
  const bundle =
    'name' in by
      ? bytesOf(signBundle(sigstore, { payload, certificate: certificateFor(by.name) }))
      : signed(statement, by).bytes
  upstream.attest(name, version, bundle)
}

/** What the pipeline of the repository gets from Fulcio, with this name in it. */
function certificateFor(name: string) {
  const extensions = [
    keyUsage(0),
    extKeyUsage(false, '1.3.6.1.5.5.7.3.3'),
    authorityKeyId(sigstore.intermediate.keys),
    subjectAltName(uriName(name)),
    fulcio(1, issuer),
    fulcio(8, issuer),
    fulcio(12, 'https://git.example/acme/shop'),
    fulcio(13, commit),
    fulcio(14, 'refs/heads/main'),
  ]
  return { extensions }
}

/** A home that lets in what is built from one repository, by one builder, with its key or in its pipeline. */
async function makeStrictHome(): Promise<GateHome> {
  const strict = await makeHome(
    `proxies: {npm: {port: 0, anonymous: true, upstream: '${upstream.url}', target: {environment: production, service: shop}}}\n`,
  )
  const trust = JSON.parse(
    Buffer.from(
      trustBytes({
        ...trustEntries,
        'release-pipeline': {
          identities: [{ root: 'private', issuer, subject }],
          predicateTypes: [predicateTypes.slsaProvenanceV1],
          builders: [{ id: builderIds.pinned, level: 1 }],
        },
      }),
    ).toString(),
  ) as object
  mkdirSync(join(strict.folder, 'roots'))
  writeFileSync(join(strict.folder, 'roots/private.json'), bytesOf(rootJson(sigstore)))
  const roots = { private: { trustedRoot: 'roots/private.json' } }
  writeFileSync(join(strict.folder, 'trust.yaml'), JSON.stringify({ ...trust, sigstore: roots }))
  writePolicy(
    strict.folder,
    builtRule.replace('[release-builder]', '[release-builder, release-pipeline]'),
  )
  return strict
}

const fork = subject.replace('/acme/', '/evil/')
const elsewhere = 'git+https://git.example/evil/shop'
const wronglyBuilt: Readonly<Record<string, readonly [Built, RegExp]>> = {
  'from-another-repository': [
    { parts: { uri: elsewhere } },
    /SOURCE_MISMATCH .*expected "git\+https:\/\/git\.example\/acme\/shop"; found "git\+https:\/\/git\.example\/evil\/shop"/,
  ],
  'by-another-builder': [
    { parts: { builderId: builderIds.hosted } },
    /SIGNER_NOT_FOR_BUILDER .*expected .*workstation-pinned.*; found .*builders\/hosted\/v1/,
  ],
  'by-another-signer': [
    { by: keys.hosted, parts: { builderId: builderIds.hosted } },
    /SIGNER_NOT_NAMED .*expected provenance by .*release-builder.*; found good provenance by hosted-builder/,
  ],
  'by-a-stranger': [{ by: keys.stranger }, /SIGNATURE_UNKNOWN_KEY .*found one signature by no key/],
  'by-another-pipeline': [
    { by: { name: fork } },
    /SIGNATURE_UNKNOWN_IDENTITY .*expected ".*acme.*release\.yml@refs\/heads\/main".*; found a good signature of ".*\/evil\/.*"/,
  ],
  'about-other-bytes': [
    { about: packed('about-other-bytes', 'good') },
    /EVIDENCE_OTHER_ARTIFACT .*expected a statement about .*; found one about /,
  ],
}

test('a package is installed with provenance of the right source, builder and signer, and with no other (MAT-38)', async (t) => {
  const strict = await makeStrictHome()
  const open = await startInside(strict)
  t.after(() => strict.close())
  const from = (name: string) => npm(['install', name, '--registry', addressOf(open)])
  const well: Readonly<Record<string, Built>> = {
    'made-with-the-key': {},
    'made-in-the-pipeline': { by: { name: subject } },
  }
  for (const [name, how] of Object.entries(well)) {
    publishBuilt(name, how)
    const done = await from(name)
    assert.equal(done.code, 0, done.stderr)
    assert.equal(done.file(`${name}/index.js`), 'module.exports = "1.0.0"\n')
  }
  for (const [name, [how, why]] of Object.entries(wronglyBuilt)) {
    publishBuilt(name, how)
    const { code, stderr, has } = await from(name)
    assert.notEqual(code, 0, name)
    assert.equal(has(name), false, name)
    assert.match(stderr, /403 Forbidden.* denied: .* may not run in .*; fix: [A-Z]/, name)
    assert.match(stderr, why, name)
  }
})

test('a bound name is never asked of the upstream, which has more of it; that nobody looks there is told at the start', async () => {
  const bound = `scopes: {'@bound': '${internal.url}'}, packages: {bound-tool: '${internal.url}'}`
  const quiet = await makeHome(
    `proxies: {npm: {port: 0, anonymous: true, upstream: '${upstream.url}', target: {environment: production, service: shop}, ${bound}}}\n`,
  )
  for (const name of ['@bound/tool', 'bound-tool']) {
    publish(internal, name, ['1.0.0'])
    publish(upstream, name, ['1.0.1', '99.0.0'])
  }
  const open = await startInside(quiet)
  try {
    const from = ['--registry', addressOf(open)]
    for (const range of ['', '@latest', '@^1.0.0', '@>=1']) {
      const done = await npm(['install', `@bound/tool${range}`, `bound-tool${range}`, ...from])
      assert.equal(done.code, 0, done.stderr)
      for (const name of ['@bound/tool', 'bound-tool'])
        assert.equal(done.file(`${name}/index.js`), 'module.exports = "1.0.0"\n')
    }
    for (const higher of ['@bound/tool@99.0.0', 'bound-tool@99.0.0']) {
      const { code, stderr } = await npm(['install', higher, ...from])
      assert.notEqual(code, 0)
      assert.match(stderr, /ETARGET.*No matching version found|E404|E403/s)
    }
    // Not even that the names are known leaves the house.
    assert.deepEqual(
      upstream.asked.filter(({ path, body }) => /bound/.test(path + body)),
      [],
    )
    const [warning = ''] = open.journal.filter((line) => line.includes('NPM_NAMES_UNWATCHED'))
    assert.match(warning, /"level":"warn".*proxies\.npm\.reportPublic/)
    assert.doesNotMatch(await metricsOf(open), /npm_public_names/, 'not 0: nobody knows')
  } finally {
    await quiet.close()
  }
  assert.match(await metricsOf(gate), /^sallyport_npm_public_names \d/m)
  assert.doesNotMatch(gate.journal.join(''), /NPM_NAMES_UNWATCHED/, 'where they are looked for')
})

async function metricsOf({ address }: Inside): Promise<string> {
  return (await call(address, '/metrics', { as: 'operator' })).text()
}

test('npm takes nothing from its own cache without asking again', async () => {
  const answer = await fetch(`${proxy}/good/-/good-1.1.0.tgz`)
  assert.equal(answer.headers.get('cache-control'), 'no-store')
  assert.deepEqual([...new Uint8Array(await answer.arrayBuffer()).slice(0, 2)], [0x1f, 0x8b])
})

test('a proxy that is not for everybody asks who it is', async () => {
  const config = `proxies: {npm: {port: 0, upstream: '${upstream.url}', target: {environment: production, service: shop}}}\n`
  const closedHome = await makeHome(config)
  const closed = await startInside(closedHome)
  try {
    const address = addressOf(closed)
    assert.equal((await fetch(`${address}/good`)).status, 401)
    const ask = (token: string): Promise<Response> =>
      fetch(`${address}/good`, { headers: { authorization: `Bearer ${token}` } })
    assert.equal((await ask(tokens.viewer)).status, 403)
    assert.equal((await ask(tokens.deployer)).status, 200)
    assert.equal(
      upstream.asked.some(({ headers }) => headers.authorization !== undefined),
      false,
    )
  } finally {
    await closedHome.close()
  }
})

test('who takes nothing of a large answer, and who sends a question slowly, keep nobody from an answer', async () => {
  const config = `proxies:
  npm:
    port: 0
    anonymous: true
    limits: {concurrent: 1}
    upstream: ${upstream.url}
    target: {environment: production, service: shop}
`
  upstream.publish('large', [{ version: '1.0.0', manifest: { text: 'x'.repeat(20_000_000) } }])
  const slowHome = await makeHome(config)
  const slow = addressOf(await startInside(slowHome))
  const { hostname, port } = new URL(slow)
  const [taking, asking] = [connect(Number(port), hostname), connect(Number(port), hostname)]
  try {
    taking.write('GET /large HTTP/1.1\r\nhost: x\r\n\r\n')
    await once(taking, 'readable')
    asking.write('POST /-/npm/v1/security/advisories/bulk HTTP/1.1\r\nhost: x\r\n')
    asking.write('expect: 100-continue\r\ncontent-length: 100\r\n\r\n{')
    assert.match(String(await once(asking, 'data')), /100 Continue/)
    assert.equal((await fetch(`${slow}/good`)).status, 200)
  } finally {
    for (const client of [taking, asking]) client.destroy()
    await slowHome.close()
  }
})

test('answers that nobody takes are bounded by how large a packument may be, and others are answered', async () => {
  const config = `proxies:
  npm:
    port: 0
    anonymous: true
    limits: {packumentMegabytes: 8}
    upstream: ${upstream.url}
    target: {environment: production, service: shop}
`
  upstream.publish('large', [{ version: '1.0.0', manifest: { text: 'x'.repeat(7_500_000) } }])
  const slowHome = await makeHome(config)
  const slow = addressOf(await startInside(slowHome))
  const { hostname, port } = new URL(slow)
  const clients = Array.from({ length: 24 }, () => connect(Number(port), hostname))
  try {
    for (const client of clients)
      client.write('GET /large HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
    await Promise.all(clients.map((client) => once(client, 'readable')))
    assert.equal((await fetch(`${slow}/good`)).status, 200)
    const taken = clients.map((client) => client.toArray().catch(() => []))
    const sizes = (await Promise.all(taken)).map((chunks) => Buffer.concat(chunks).length)
    assert.ok(sizes.some((size) => size > 7_500_000))
    assert.ok(sizes.some((size) => size < 7_500_000))
  } finally {
    for (const client of clients) client.destroy()
    await slowHome.close()
  }
})

test('probe-bypass asks each registry for what was installed from there, past the proxy', async () => {
  publish(upstream, 'probed', ['1.0.0'])
  publish(internal, '@acme/probed', ['1.0.0'])
  const installed = await install('@acme/probed', 'probed')
  assert.equal(installed.code, 0, installed.stderr)
  // It reads what is published, which whoever asks for the newest decision waits for.
  assert.match(await logged(), /probed/)
  const { exit, stdout } = await runInProcess(['probe-bypass', '--no-cluster', '--json'], {
    dir: home.dir,
  })
  const { findings } = JSON.parse(stdout) as { findings: readonly { readonly way: string }[] }
  const way = (name: string, { url }: FakeRegistry): string =>
    `past the proxy: npm package ${name} at ${new URL(url).host}`
  assert.deepEqual(
    [exit, findings.map((one) => one.way)],
    [1, [way('probed', upstream), way('@acme/probed', internal)]],
  )
})

test('while the registry is down, a locked project installs what was let in, decided again', async () => {
  upstream.break()
  // The proxy and the gate forget what they heard of the registry; what is left is what they keep.
  await gate.stop()
  gate = await startInside(home)
  proxy = addressOf(gate)
  const answer = await fetch(`${proxy}/good/-/good-1.1.0.tgz`)
  assert.equal(answer.status, 200, await answer.clone().text())
  const never = await install('good@1.0.0')
  assert.notEqual(never.code, 0)
  assert.match(never.stderr, /503 Service Unavailable.*NPM_UPSTREAM/)
  assert.match(await logged(), /"outcome":"unavailable"/)
})
