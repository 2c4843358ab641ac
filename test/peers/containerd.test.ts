// The real containerd pulls through the gate, set up as docs/oci-proxy.md says.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { run, type Said } from '../proxies/oci-clients.ts'
import { pushImage, type RealImage } from '../proxies/oci-image.ts'
import { startRealRegistry, whyNoRegistry, type RealRegistry } from '../registry/real-registry.ts'
import { makeAuthority } from '../server/certificates.ts'
import { makeHome, startInside, tokens, until, type GateHome } from '../server/gate.ts'
import { install } from './tool-cache.ts'

/** Debian's, unpacked and not installed: nothing else of this machine uses it. */
const containerd = install({
  name: 'containerd-debian',
  file: 'usr/bin/containerd',
  commands: [
    ['sh', '-c', 'cd "$0" && apt-get download containerd && dpkg-deb -x ./*.deb .', '$FOLDER'],
  ],
  timeoutMinutes: 5,
})
const why =
  whyNoRegistry() ??
  ('reason' in containerd ? `skipped: ${containerd.reason}` : undefined) ??
  (process.getuid?.() === 0 ? undefined : 'skipped: containerd mounts, and only root may')
const skip = why ?? false
const repository = 'acme/shop'
const dir = mkdtempSync(join(tmpdir(), 'sallyport-containerd-'))
const socket = join(dir, 'containerd.sock')
let registry: RealRegistry
let home: GateHome
let good: RealImage
let stop = (): Promise<unknown> => Promise.resolve()

before(async () => {
  if (why !== undefined) return
  registry = await startRealRegistry()
  good = await pushImage(registry.base, repository, { content: 'good', tag: '1.0' })
  await pushImage(registry.base, repository, { content: 'bad', tag: '2.0' })
  home = await makeHome(`proxies:
  oci:
    port: 0
    tls: {certificate: tls/gate.crt, key: tls/gate.key}
    upstreams: {registry.example: '${registry.base}'}
    targets: [{prefix: registry.example/acme/, environment: production, service: shop}]
`)
  home.approve(good.digest)
  const tls = join(home.folder, 'tls')
  mkdirSync(tls)
  const authority = makeAuthority(tls)
  authority.issue('gate', 'gate')
  const gate = await startInside(home)
  const line = gate.journal.find((text) => text.includes('OCI proxy listening')) ?? '{}'
  configure((JSON.parse(line) as { address: string }).address.replace(/\/$/, ''))
  cpSync(authority.certificate, join(dir, 'gate-ca.pem'))
  await startContainerd()
})

after(async () => {
  await stop()
  await home?.close()
  await registry?.stop()
  rmSync(dir, { recursive: true, force: true })
})

/** With the file that the document shows; only names and places are others. */
function configure(address: string): void {
  const page = readFileSync(join(import.meta.dirname, '../../docs/oci-proxy.md'), 'utf8')
  const shown = /^## containerd\n.*?^```toml\n(.*?)^```/ms.exec(page)?.[1] ?? ''
  const file = join(dir, 'certs.d/registry.example/hosts.toml')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(
    file,
    shown
      .replaceAll('https://gate.example:5000', address)
      .replace('/etc/containerd/gate-ca.pem', join(dir, 'gate-ca.pem'))
      .replace('THE-TOKEN', tokens.deployer),
  )
}

async function startContainerd(): Promise<void> {
  assert.ok('path' in containerd)
  const config = join(dir, 'config.toml')
  const places = `root = "${dir}/root"\nstate = "${dir}/state"\n`
  const rest = `disabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\naddress = "${socket}"\n`
  writeFileSync(config, `version = 2\n${places}${rest}`)
  const child = spawn(containerd.path, ['--config', config], { stdio: 'ignore' })
  const ended = once(child, 'exit')
  stop = () => {
    child.kill()
    return ended
  }
  await until('containerd answers', async () => (await ctr('version')).exit === 0)
}

function ctr(...args: readonly string[]): Promise<Said> {
  assert.ok('path' in containerd)
  return run(join(dirname(containerd.path), 'ctr'), ['--address', socket, ...args], dir)
}

function pull(reference: string): Promise<Said> {
  const hosts = ['--hosts-dir', join(dir, 'certs.d'), '--snapshotter', 'native']
  return ctr('images', 'pull', ...hosts, `registry.example/${repository}${reference}`)
}

test('containerd stores what is allowed, by tag and by digest', { skip }, async () => {
  for (const reference of [':1.0', `@sha256:${good.digest}`]) {
    const said = await pull(reference)
    assert.equal(said.exit, 0, said.text)
  }
  assert.match((await ctr('images', 'ls')).text, new RegExp(`:1.0 .* sha256:${good.digest} `))
})

test('containerd does not store what is refused, and its user reads why', { skip }, async () => {
  const { exit, text } = await pull(':2.0')
  assert.notEqual(exit, 0)
  assert.match(text, /403 denied: .*APPROVAL_MISSING.*fix: .*decision \d+/s)
  assert.doesNotMatch((await ctr('images', 'ls')).text, /:2\.0/)
})
