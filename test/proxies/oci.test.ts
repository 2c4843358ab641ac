// Done-when 2 of the fourth issue: Debian's docker-registry behind the gate, and real clients before it.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { approval, keys, signed } from '../../src/core/decision/testing/fixtures.ts'
import { pusherTo, type Pushed } from '../../src/evidence/testing/push.ts'
import { startRealRegistry, whyNoRegistry, type RealRegistry } from '../registry/real-registry.ts'
import { runInProcess } from '../scenarios/in-process.ts'
import { makeHome, startInside, tokens, type GateHome, type Inside } from '../server/gate.ts'
import { openPodman, run, whyNoSkopeo, type Said } from './oci-clients.ts'
import { pushImage, type RealImage } from './oci-image.ts'

const why = whyNoRegistry() ?? whyNoSkopeo()
const skip = why ?? false
const repository = 'acme/shop'
let registry: RealRegistry
let home: GateHome
let gate: Inside
let proxy = ''
let dir = ''
let good: RealImage
let bad: RealImage

before(async () => {
  if (why !== undefined) return
  dir = mkdtempSync(join(tmpdir(), 'sallyport-pull-'))
  registry = await startRealRegistry()
  home = await makeHome(
    `proxies:
  oci:
    port: 0
    upstreams: {registry.example: '${registry.base}'}
    targets: [{prefix: registry.example/acme/, environment: production, service: shop}]
`,
  )
  good = await pushImage(registry.base, repository, { content: 'good', tag: '1.0' })
  bad = await pushImage(registry.base, repository, { content: 'bad', tag: '2.0' })
  await attach(good)
  gate = await startInside(home)
  const line = gate.journal.find((text) => text.includes('OCI proxy listening')) ?? '{}'
  proxy = new URL((JSON.parse(line) as { address: string }).address).host
})

after(async () => {
  await gate?.stop()
  await registry?.stop()
  await home?.close()
  if (dir !== '') rmSync(dir, { recursive: true, force: true })
})

/** With the command that people use: docker-registry has no referrers API, so a tag stands for it. */
async function attach(image: Pushed): Promise<void> {
  const file = join(dir, `${image.digest}.json`)
  writeFileSync(file, signed(approval('production', { sha256: image.digest }), keys.alice).bytes)
  const place = `oci://${registry.host}/${repository}@sha256:${image.digest}`
  const config = join(home.folder, 'sallyport.yaml')
  const before = readFileSync(config, 'utf8')
  writeFileSync(
    config,
    before.replace(`allow: ['${home.registry}']`, `allow: ['${registry.host}']`),
  )
  const said = await runInProcess(['attach', file, place, '--json'], { dir: home.dir })
  writeFileSync(config, before)
  assert.equal(said.exit, 0, said.stdout)
}

let copies = 0
// Whoever pulls has a name: the password is a token of the gate.
const creds = `ci:${tokens.deployer}`
const trusting = ['--src-tls-verify=false', '--src-creds', creds]
function copy(suffix: string): Promise<Said & { readonly place: string }> {
  const place = join(dir, `copy-${(copies += 1)}`)
  const from = `docker://${proxy}/registry.example/${repository}${suffix}`
  const args = ['--insecure-policy', 'copy', ...trusting, from, `dir:${place}`]
  return run('skopeo', args, dir).then((said) => ({ ...said, place }))
}

test('skopeo stores an image that is allowed, by tag and by digest', { skip }, async () => {
  for (const suffix of [':1.0', `@sha256:${good.digest}`]) {
    const said = await copy(suffix)
    assert.equal(said.exit, 0, said.text)
    assert.deepEqual(readFileSync(join(said.place, 'manifest.json')), Buffer.from(good.bytes))
  }
})

test('an image that is refused is not stored, and its user reads why', { skip }, async () => {
  for (const suffix of [':2.0', `@sha256:${bad.digest}`]) {
    const said = await copy(suffix)
    assert.notEqual(said.exit, 0)
    assert.match(said.text, /denied/)
    assert.match(said.text, /APPROVAL_MISSING/)
    assert.match(said.text, /fix: .*decision \d+/s)
    assert.doesNotMatch(said.text, /--bundle/)
  }
  assert.match((await copy(':none')).text, /manifest unknown: .*fix: correct the tag/)
})

test(
  'podman stores what is allowed under its own name, and shows why not',
  { skip },
  async (context) => {
    // As docs/oci-proxy.md says: the name stays, and only the place is another.
    const conf = `[[registry]]
prefix = "registry.example"
location = "${proxy}/registry.example"
insecure = true
`
    const podman = await openPodman(conf)
    if (typeof podman === 'string') return context.skip(podman)
    try {
      const pull = (suffix: string) => podman.run('pull', `registry.example/${repository}${suffix}`)
      const nobody = await pull(':1.0')
      assert.match(nobody.text, /podman login/)
      const login = ['--username', 'ci', '--password', tokens.deployer, '--tls-verify=false']
      assert.equal((await podman.run('login', ...login, proxy)).exit, 0)
      const stored = await pull(':1.0')
      assert.equal(stored.exit, 0, stored.text)
      const format = '{{.Repository}} {{.Digest}}'
      const images = await podman.run('images', '--digests', '--format', format)
      assert.match(images.text, new RegExp(`registry.example/${repository} sha256:${good.digest}`))
      const refused = await pull(':2.0')
      assert.notEqual(refused.exit, 0)
      assert.match(refused.text, /APPROVAL_MISSING/)
    } finally {
      podman.close()
    }
  },
)

/** As containerd asks: the registry in the query, and what is accepted in a header. */
async function ask(path: string, method = 'GET', token: string = tokens.deployer) {
  const init = { method, headers: { authorization: `Bearer ${token}` } }
  const response = await fetch(`http://${proxy}/v2/${repository}${path}?ns=registry.example`, init)
  return { status: response.status, headers: response.headers, text: await response.text() }
}

test(
  'containerd names the registry in a query, and asks for the head first',
  { skip },
  async () => {
    const head = await ask('/manifests/1.0', 'HEAD')
    assert.equal(head.status, 200)
    assert.equal(head.headers.get('docker-content-digest'), `sha256:${good.digest}`)
    assert.equal(head.headers.get('content-length'), String(good.bytes.length))
    assert.equal((await ask('/manifests/2.0', 'HEAD')).status, 403)
    const { status, text } = await ask('/manifests/2.0')
    assert.equal(status, 403)
    const { errors } = JSON.parse(text) as {
      errors: { code: string; detail: { problems: { code: string }[] } }[]
    }
    assert.equal(errors[0]?.code, 'DENIED')
    assert.equal(errors[0]?.detail.problems[0]?.code, 'APPROVAL_MISSING')
  },
)

test('the blobs of an image that was refused are handed out to nobody', { skip }, async () => {
  for (const sha256 of [bad.layer, bad.config]) {
    const { status, text } = await ask(`/blobs/sha256:${sha256}`)
    assert.equal(status, 404)
    assert.match(text, /BLOB_UNKNOWN/)
  }
  assert.equal((await ask(`/blobs/sha256:${bad.digest}`)).status, 404)
})

test('a layer that was changed in the registry is stored by nobody', { skip }, async () => {
  const image = await pushImage(registry.base, repository, {
    content: 'x'.repeat(50_000),
    tag: '3',
  })
  await attach(image)
  const file = registry.dataFile(image.layer)
  const sound = readFileSync(file)
  const changed = Buffer.from(sound)
  changed[changed.length - 12] = (changed[changed.length - 12] ?? 0) ^ 1
  writeFileSync(file, changed)
  const said = await copy(':3')
  assert.notEqual(said.exit, 0)
  writeFileSync(file, sound)
  const again = await copy(':3')
  assert.equal(again.exit, 0, again.text)
})

test(
  'a manifest that was changed in the registry is an outage, and never an answer',
  { skip },
  async () => {
    const image = await pushImage(registry.base, repository, { content: 'manifest', tag: '4' })
    await attach(image)
    const file = registry.dataFile(image.digest)
    writeFileSync(file, Buffer.from(image.bytes).toString().replace(image.layer, bad.layer))
    const byDigest = await ask(`/manifests/sha256:${image.digest}`)
    assert.ok(byDigest.status >= 500, byDigest.text)
    assert.doesNotMatch(byDigest.text, /schemaVersion/)
    const byTag = await ask('/manifests/4')
    assert.notEqual(byTag.status, 200)
  },
)

test('a tag that moves between two questions lets nothing through', { skip }, async () => {
  const push = pusherTo(registry.base, repository)
  await push.manifest('race', good.bytes, good.mediaType)
  const resolved = await ask('/manifests/race', 'HEAD')
  assert.equal(resolved.headers.get('docker-content-digest'), `sha256:${good.digest}`)
  await push.manifest('race', bad.bytes, bad.mediaType)
  assert.equal((await ask('/manifests/race')).status, 403)
  assert.equal((await copy(':race')).exit, 1)
  // What was resolved is still what it was.
  assert.equal((await ask(`/manifests/sha256:${good.digest}`)).status, 200)
})

test('every answer is in the log before it is given', { skip }, async () => {
  const { status, text } = await ask('/manifests/2.0')
  assert.equal(status, 403)
  const [, entry] = /\(decision (\d+)\)/.exec(text) ?? []
  const told = gate.journal.filter((line) => line.includes('"image refused"')).at(-1) ?? ''
  assert.match(told, new RegExp(`"entry":${entry},`))
  const address = new URL('/api/v1/decisions?limit=1', gate.address)
  const headers = { authorization: `Bearer ${tokens.viewer}` }
  const newest = await (await fetch(address, { headers })).text()
  assert.match(newest, new RegExp(`"entry":${entry},`))
  assert.match(newest, new RegExp(bad.digest))
})

test('what is known is pulled while the registry is away; a tag is not', { skip }, async () => {
  assert.equal((await copy(':1.0')).exit, 0)
  registry.freeze()
  try {
    const said = await copy(`@sha256:${good.digest}`)
    assert.equal(said.exit, 0, said.text)
    const { status, text } = await ask('/manifests/1.0')
    assert.equal(status, 502)
    assert.match(text, /UNAVAILABLE/)
  } finally {
    registry.thaw()
  }
})

test(
  'an approval of an index lets its images through, and those of no other',
  { skip },
  async () => {
    const image = await pushImage(registry.base, repository, { content: 'child' })
    const push = pusherTo(registry.base, repository)
    const index = await push.index([image], 'all')
    assert.equal((await ask(`/manifests/sha256:${image.digest}`)).status, 403)
    await attach(index)
    const said = await copy(':all')
    assert.equal(said.exit, 0, said.text)
    assert.deepEqual(readFileSync(join(said.place, 'manifest.json')), Buffer.from(image.bytes))
    // Another index that lists a good image and a bad one is let through for neither.
    const mixed = await push.index([bad, good], 'mixed')
    assert.equal((await ask(`/manifests/sha256:${mixed.digest}`)).status, 403)
    assert.notEqual((await copy(':mixed')).exit, 0)
  },
)

test('tags are listed by the name that was asked for', { skip }, async () => {
  const from = `docker://${proxy}/registry.example/${repository}`
  const tls = ['--tls-verify=false', '--creds', creds]
  const said = await run('skopeo', ['list-tags', ...tls, from], dir)
  assert.equal(said.exit, 0, said.text)
  assert.match(said.text, /"1\.0"/)
  assert.match((await ask('/tags/list')).text, /^\{"name":"acme\/shop","tags":\[/)
})

test('nobody pulls without a name where names are wanted', { skip }, async () => {
  const response = await fetch(`http://${proxy}/v2/`)
  assert.equal(response.status, 401)
  assert.match(response.headers.get('www-authenticate') ?? '', /^Basic /)
  assert.match(await response.text(), /"UNAUTHORIZED"/)
  assert.equal((await ask('/manifests/1.0', 'GET', 'wrong')).status, 401)
  assert.equal((await ask('/manifests/1.0', 'GET', tokens.viewer)).status, 403)
})

test('a proxy that would speak TLS to nobody, or for nobody, is not started', async () => {
  const targets = '[{prefix: a.example/, environment: production, service: shop}]'
  const other = await makeHome(
    `proxies: {oci: {port: 0, upstreams: {a.example: 'https://127.0.0.1:1'}, targets: ${targets}}}
`,
  )
  try {
    await assert.rejects(startInside(other), { code: 'CONFIG_PROXY' })
  } finally {
    await other.close()
  }
})
