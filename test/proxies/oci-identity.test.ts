// A registry that serves nobody but the gate: what is pulled goes through the gate, or is not pulled at all (DEP-03).
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startTestRegistry, type TestRegistry } from '../../src/evidence/testing/registry.ts'
import { makeHome, startInside, tokens, type GateHome, type Inside } from '../server/gate.ts'
import { run, whyNoSkopeo, type Said } from './oci-clients.ts'
import { pushImage, type RealImage } from './oci-image.ts'

const skip = whyNoSkopeo() ?? false
const dir = mkdtempSync(join(tmpdir(), 'sallyport-identity-'))
const secret = 'a-secret-of-the-gate'
let registry: TestRegistry
let home: GateHome
let gate: Inside
let proxy = ''
let good: RealImage
let bad: RealImage

before(async () => {
  if (skip !== false) return
  registry = await startTestRegistry({
    auth: { kind: 'basic', username: 'gate', password: secret },
  })
  good = await pushImage(registry.base, 'acme/shop', { content: 'good', tag: '1.0' })
  bad = await pushImage(registry.base, 'acme/shop', { content: 'bad', tag: '2.0' })
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
  const auth = Buffer.from(`gate:${secret}`).toString('base64')
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
  await registry?.close()
  home?.close()
  rmSync(dir, { recursive: true, force: true })
})

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

test(
  'around the gate the registry serves nobody, whatever the gate would have said',
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
  },
)

test('nobody learns from the gate who it is to the registry', { skip }, async () => {
  const headers = { authorization: `Bearer ${tokens.deployer}` }
  const url = `http://${proxy}/v2/registry.example/acme/shop/manifests/2.0`
  const response = await fetch(url, { headers })
  const told = `${JSON.stringify([...response.headers])}${await response.text()}${gate.journal.join('')}`
  const encoded = Buffer.from(`gate:${secret}`).toString('base64')
  for (const text of [secret, encoded]) assert.ok(!told.includes(text))
})
