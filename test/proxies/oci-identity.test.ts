// A registry that serves nobody but the gate: what is pulled goes through the gate, or is not pulled at all (DEP-03).
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  account,
  startRealRegistry,
  whyNoRegistry,
  type RealRegistry,
} from '../registry/real-registry.ts'
import { runInProcess } from '../scenarios/in-process.ts'
import { call, makeHome, startInside, tokens, type GateHome, type Inside } from '../server/gate.ts'
import { run, whyNoSkopeo, type Said } from './oci-clients.ts'
import { pushImage, type RealImage } from './oci-image.ts'

const skip = whyNoRegistry() ?? whyNoSkopeo() ?? false
const dir = mkdtempSync(join(tmpdir(), 'sallyport-identity-'))
/** Serves everybody. */
let open: RealRegistry
/** The same images, for the gate. */
let registry: RealRegistry
let home: GateHome
let gate: Inside
let proxy = ''
let good: RealImage
let bad: RealImage

before(async () => {
  if (skip !== false) return
  open = await startRealRegistry()
  registry = await startRealRegistry(account.htpasswd)
  good = await pushImage(open.base, 'acme/shop', { content: 'good', tag: '1.0' })
  bad = await pushImage(open.base, 'acme/shop', { content: 'bad', tag: '2.0' })
  for (const tag of ['1.0', '2.0']) await bringOver(tag)
  home = await makeHome(
    `proxies:
  oci:
    port: 0
    upstreams: {registry.example: '${registry.base}'}
    targets: [{prefix: registry.example/acme/, environment: production, service: shop}]
`,
  )
  home.approve(good.digest)
  const credentials = join(home.folder, 'docker.json')
  const auth = Buffer.from(`${account.name}:${account.password}`).toString('base64')
  writeFileSync(credentials, JSON.stringify({ auths: { [registry.host]: { auth } } }), {
    mode: 0o600,
  })
  gate = await startInside(home, undefined, (config) => {
    const { evidence } = config
    return {
      ...config,
      evidence: { ...evidence, registries: { ...evidence.registries, credentials } },
    }
  })
  const line = gate.journal.find((text) => text.includes('OCI proxy listening')) ?? '{}'
  proxy = new URL((JSON.parse(line) as { address: string }).address).host
})

after(async () => {
  await gate?.stop()
  await registry?.stop()
  await open?.stop()
  await home?.close()
  rmSync(dir, { recursive: true, force: true })
})

async function bringOver(tag: string): Promise<void> {
  const plain = ['--src-tls-verify=false', '--dest-tls-verify=false', '--preserve-digests']
  const creds = ['--dest-creds', `${account.name}:${account.password}`]
  const places = [open, registry].map(({ host }) => `docker://${host}/acme/shop:${tag}`)
  const said = await run(
    'skopeo',
    ['--insecure-policy', 'copy', ...plain, ...creds, ...places],
    dir,
  )
  assert.equal(said.exit, 0, said.text)
}

let copies = 0
function pull(from: string, creds: readonly string[]): Promise<Said & { readonly place: string }> {
  const place = join(dir, `copy-${(copies += 1)}`)
  const args = [
    '--insecure-policy',
    'copy',
    '--src-tls-verify=false',
    ...creds,
    from,
    `dir:${place}`,
  ]
  return run('skopeo', args, dir).then((said) => ({ ...said, place }))
}
const deployer = ['--src-creds', `ci:${tokens.deployer}`]

test(
  'through the gate what is allowed is served, and what is refused is not',
  { skip },
  async () => {
    const allowed = await pull(`docker://${proxy}/registry.example/acme/shop:1.0`, deployer)
    assert.equal(allowed.exit, 0, allowed.text)
    assert.deepEqual(readFileSync(join(allowed.place, 'manifest.json')), Buffer.from(good.bytes))
    const refused = await pull(
      `docker://${proxy}/registry.example/acme/shop@sha256:${bad.digest}`,
      deployer,
    )
    assert.match(refused.text, /denied[^]*APPROVAL_MISSING/)
    assert.ok(!existsSync(join(refused.place, 'manifest.json')))
  },
)

/** Everything that the gate answers to whoever pulls one of these, with its headers. */
async function everythingTold(): Promise<readonly Told[]> {
  const paths = ['/v2/', '/v2/registry.example/acme/shop/tags/list']
  for (const { digest, config, layer } of [good, bad]) {
    const below = (rest: string): string => `/v2/registry.example/acme/shop/${rest}`
    paths.push(below(`manifests/sha256:${digest}`), below(`referrers/sha256:${digest}`))
    paths.push(below(`blobs/sha256:${config}`), below(`blobs/sha256:${layer}`))
  }
  const told: Told[] = []
  // One after the other: a blob is part of a manifest that was let through before.
  for (const headers of [{}, { authorization: `Bearer ${tokens.deployer}` }]) {
    for (const path of paths) {
      const response = await fetch(`http://${proxy}${path}`, { headers, redirect: 'manual' })
      const { status } = response
      told.push({ path, status, head: [...response.headers], body: await response.text() })
    }
  }
  return told
}

interface Told {
  readonly path: string
  readonly status: number
  readonly head: readonly (readonly string[])[]
  readonly body: string
}

test(
  'nobody learns from the gate who it is to the registry, or is sent there',
  { skip },
  async () => {
    const told = await everythingTold()
    const served = told.filter(({ status }) => status === 200).map(({ path }) => path)
    assert.ok(served.some((path) => path.endsWith(`blobs/sha256:${good.layer}`)))
    const { name, password } = account
    const secrets = [password, Buffer.from(`${name}:${password}`).toString('base64')]
    for (const { path, status, head, body } of told) {
      assert.ok(status < 300 || status >= 400, `${path} leads elsewhere`)
      assert.ok(!JSON.stringify(head).includes(registry.host), `${path}: ${JSON.stringify(head)}`)
      for (const secret of secrets)
        assert.ok(!`${JSON.stringify(head)}${body}`.includes(secret), path)
    }
    for (const secret of secrets) assert.ok(!gate.journal.join('').includes(secret))
  },
)

test(
  'what the gate refuses is not to be had with anything that its client holds',
  { skip },
  async () => {
    for (const creds of [[], deployer]) {
      for (const suffix of [':1.0', `@sha256:${bad.digest}`]) {
        const said = await pull(`docker://${registry.host}/acme/shop${suffix}`, creds)
        assert.notEqual(said.exit, 0)
        assert.match(said.text, /unauthorized|authentication required|401/i)
        assert.ok(!existsSync(join(said.place, 'manifest.json')))
      }
    }
    // Nor at the gate itself, piece by piece.
    const pieces = (await everythingTold()).filter(({ path }) =>
      [bad.digest, bad.config, bad.layer].some((one) => path.endsWith(`s/sha256:${one}`)),
    )
    const refused = pieces.filter(({ path }) => !path.includes('/referrers/'))
    assert.equal(refused.length, 6)
    for (const { path, status } of refused) assert.ok([401, 403, 404].includes(status), path)
  },
)

test(
  'probe-bypass asks for what was let through: closed here, and open where everybody is served',
  { skip },
  async () => {
    const pulled = await pull(`docker://${proxy}/registry.example/acme/shop:1.0`, deployer)
    assert.equal(pulled.exit, 0, pulled.text)
    // It reads what is published, which whoever asks for the newest decision waits for.
    const newest = await call(gate.address, '/api/v1/decisions?limit=1', { as: 'viewer' })
    assert.equal(newest.status, 200)
    const probe = async () => {
      const args = ['probe-bypass', '--no-cluster', '--json']
      const { exit, stdout } = await runInProcess(args, { dir: home.dir })
      return { exit, report: JSON.parse(stdout) as Report }
    }
    interface Report {
      readonly closed: readonly { readonly way: string; readonly by: string }[]
      readonly findings: readonly { readonly way: string }[]
    }
    const shut = await probe()
    assert.equal(shut.exit, 0, JSON.stringify(shut.report))
    const way = `past the proxy: oci://registry.example/acme/shop@sha256:${good.digest} at `
    const by = `${registry.host} (status 401)`
    assert.deepEqual(shut.report.closed, [{ way: `${way}${registry.host}`, by }])
    const file = join(home.folder, 'sallyport.yaml')
    writeFileSync(file, readFileSync(file, 'utf8').replace(registry.base, open.base))
    const { exit, report } = await probe()
    assert.deepEqual([exit, report.findings[0]?.way], [1, `${way}${open.host}`])
  },
)
