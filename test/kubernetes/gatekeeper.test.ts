// The real Gatekeeper asks the gate, with the files of deploy/kubernetes/gatekeeper and the constraint of docs/kubernetes.md.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { load, loadAll } from 'js-yaml'
import { skip as whyNoServer, type Said } from './api-server.ts'
import {
  gatekeeperAuthority,
  gatekeeperName,
  startGatekeeper,
  whyNoGatekeeper,
} from './gatekeeper.ts'
import { pod, templates } from './objects.ts'
import { until, type Running } from './processes.ts'
import { deployFolder, startWorld, type World } from './world.ts'

const skip = whyNoServer || whyNoGatekeeper()
let world: World
let folder: string
let gatekeeper: Running | undefined

const apply = (object: unknown, ...more: readonly string[]): Promise<Said> =>
  world.cluster.kubectl(['apply', '-f', '-', ...more], object)
const kubectl = (...args: readonly string[]): Promise<Said> => world.cluster.kubectl(args)
const label = (name: string, text: string): Promise<Said> =>
  kubectl('-n', 'shop', 'label', '--overwrite', 'pod', name, text)

before(async () => {
  if (skip !== false) return
  world = await startWorld()
  folder = mkdtempSync(join(tmpdir(), 'sallyport-gatekeeper-'))
  believe(gatekeeperAuthority(folder).certificate, 'deployer')
  await world.startGate()
  await kubectl('create', 'namespace', 'shop')
  assertDone(await apply(pod('legacy', world.bad)))
  // As the documentation has it: what was answered is not used again.
  const fresh = '--external-data-provider-response-cache-ttl=0s'
  gatekeeper = await startGatekeeper(world.cluster, folder, [fresh])
  for (const manifest of await manifests()) assertDone(await apply(manifest))
  const made = async (): Promise<boolean> => (await apply(load(shown()))).exit === 0
  await until('the constraint is taken', made, gatekeeper)
  const bad = pod('probe', world.bad)
  const refuses = async (): Promise<boolean> => (await apply(bad, '--dry-run=server')).exit !== 0
  await until('the constraint is in force', refuses, gatekeeper)
})

after(async () => {
  await gatekeeper?.kill()
  await world?.stop()
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
})

/** Tells the gate of Gatekeeper's authority, and what Gatekeeper may. */
function believe(authority: string, role: string): void {
  const both = join(folder, 'clients.crt')
  writeFileSync(both, readFileSync(world.cluster.caFile, 'utf8') + readFileSync(authority, 'utf8'))
  const file = join(world.home, 'sallyport.yaml')
  const certificates = `  certificates: [{subject: ${gatekeeperName}, roles: [${role}]}]\n`
  const text = readFileSync(file, 'utf8')
    .replace(/clientAuthorities: [^ ,}]+/, `clientAuthorities: ${both}`)
    .replace(/^access:\n(?: {2}certificates.*\n)?/m, `access:\n${certificates}`)
  writeFileSync(file, text)
}

async function manifests(): Promise<readonly unknown[]> {
  const { stdout } = await kubectl('kustomize', join(deployFolder, 'gatekeeper'))
  const ca = readFileSync(world.cluster.caFile).toString('base64')
  const address = 'https://sallyport.sallyport-system.svc'
  return loadAll(stdout.replace('CA_BUNDLE', ca).replace(address, world.gateAddress))
}

/** The constraint of the documentation, for the environment that the gate of this test has a policy for. */
function shown(): string {
  const page = readFileSync(join(deployFolder, '../../docs/kubernetes.md'), 'utf8')
  const block = /^```yaml\n(apiVersion: constraints\.gatekeeper\.sh.*?)^```$/ms.exec(page)?.[1]
  return (block ?? '').replace('environment: production', 'environment: staging')
}

function assertDone({ exit, stderr }: Said): void {
  assert.equal(exit, 0, stderr)
}

function assertRefused({ exit, stderr }: Said, ...patterns: readonly RegExp[]): void {
  assert.equal(exit, 1, 'it was admitted')
  assert.match(stderr, /"validation\.gatekeeper\.sh" denied the request: \[shop\]/)
  for (const pattern of patterns) assert.match(stderr, pattern)
}

test('what may run comes in, each time by a decision in the log', { skip }, async () => {
  const before = await world.logSize()
  for (const name of ['one', 'two', 'three']) assertDone(await apply(pod(name, world.good)))
  assert.equal(await world.logSize(), before + 3)
})

test('what may not is refused with what to do, wherever the image stands', { skip }, async () => {
  const { good, bad } = world
  const main = { name: 'main', image: good }
  const other = { name: 'other', image: bad }
  const volume = { name: 'data', image: { reference: bad } }
  const pods = [
    { containers: [main, other] },
    { containers: [main], initContainers: [other] },
    { containers: [main], volumes: [volume] },
  ]
  const why = [/ may not run in staging\/shop: PROVENANCE_MISSING/, /fix: .*sallyport attach/]
  for (const spec of pods) assertRefused(await apply(pod('refused', spec)), ...why)
  assertDone(await apply(pod('debugged', good)))
  const debug = ['debug', 'debugged', '-n', 'shop', '-c', 'bad', `--image=${bad}`]
  assertRefused(await kubectl(...debug), ...why)
  const tagged = await apply(pod('tagged', world.tagged))
  assertRefused(tagged, /ADMISSION_UNPINNED/, /fix: Write .*:1\.0@sha256:/)
})

test('what was there before can be changed, not into another target', { skip }, async () => {
  assertDone(await label('legacy', 'team=one'))
  assertRefused(await label('legacy', 'app=other'), /no policy|POLICY/i)
  assertRefused(await apply(pod('stray', world.good, { labels: {} })), /give it the label app/)
})

test('a constraint about anything but pods lets nothing in and says so', { skip }, async () => {
  const { metadata: _, spec, ...kind } = load(shown()) as { metadata: object; spec: object }
  const match = { kinds: [{ apiGroups: ['apps'], kinds: ['Deployment'] }], namespaces: ['shop'] }
  const wrong = { ...kind, metadata: { name: 'wrong' }, spec: { ...spec, match } }
  assertDone(await apply(wrong))
  const [deployment] = templates('deployed', world.good)
  const refused = async (): Promise<boolean> =>
    /about pods, not about the kind Deployment/.test((await apply(deployment)).stderr)
  await until('the constraint is in force', refused, gatekeeper)
  assertDone(await kubectl('delete', 'sallyportadmitted', 'wrong'))
})

test(
  'nobody comes in while the gate says nothing, or nothing to Gatekeeper',
  { skip },
  async () => {
    await world.gate().kill()
    assertRefused(await apply(pod('late', world.good)), /connection refused/)
    believe(join(folder, 'gatekeeper-ca.crt'), 'viewer')
    await world.startGate()
    const may = [/ACCESS_FORBIDDEN/, new RegExp(gatekeeperName), /fix: /]
    assertRefused(await apply(pod('late', world.good)), ...may)
  },
)
