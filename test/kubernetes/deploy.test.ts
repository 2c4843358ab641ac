// deploy/kubernetes: the API server takes it as it is, the gate runs in what it makes, and nobody else in its namespace.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { after, before, test } from 'node:test'
import { loadAll } from 'js-yaml'
import { loadConfig } from '#config'
import { makeHome } from '../pipeline/promotion.ts'
import { recipe } from '../pipeline/recipe.ts'
import { home } from '../scenarios/home-folder.ts'
import { runMain } from '../scenarios/main.ts'
import { provenance } from '../scenarios/provenance.ts'
import { makeAuthority } from '../server/certificates.ts'
import { run, skip, type Said } from './api-server.ts'
import { pod, type KubernetesObject } from './objects.ts'
import { freePort, start, until, type Running } from './processes.ts'
import { deployFolder, startWorld, type World } from './world.ts'

let world: World
let dir: string

const apply = (object: unknown, ...more: readonly string[]): Promise<Said> =>
  world.cluster.kubectl(['apply', '-f', '-', ...more], object)

before(async () => {
  if (skip !== false) return
  world = await startWorld()
  dir = mkdtempSync(join(tmpdir(), 'sallyport-deploy-'))
})

after(async () => {
  await world?.stop()
  if (dir !== undefined) rmSync(dir, { recursive: true, force: true })
})

function assertDone({ exit, stderr }: Said): void {
  assert.equal(exit, 0, stderr)
  assert.doesNotMatch(stderr, /Warning/)
}

/** The manifests exactly as kustomize prints them. */
async function built(folder: string): Promise<readonly KubernetesObject[]> {
  const said = await world.cluster.kubectl(['kustomize', folder])
  assert.equal(said.exit, 0, said.stderr)
  return loadAll(said.stdout) as readonly KubernetesObject[]
}

test('the API server takes every manifest', { skip }, async () => {
  const [namespace, ...rest] = await built(join(deployFolder, 'gate'))
  assertDone(await apply(namespace))
  assertDone(await apply(earlier()))
  for (const object of rest) assertDone(await apply(object, '--dry-run=server'))
  for (const object of rest) assertDone(await apply(object))
  for (const object of await built(join(deployFolder, 'begin'))) assertDone(await apply(object))
})

test('the webhook is not taken before it knows the authority of the gate', { skip }, async () => {
  const text = JSON.stringify(await built(join(deployFolder, 'webhook')))
  const [forgotten] = JSON.parse(text) as readonly KubernetesObject[]
  assert.match((await apply(forgotten, '--dry-run=server')).stderr, /CA_BUNDLE|base64/)
  const ca = execFileSync('base64', ['-w0', world.cluster.caFile]).toString()
  const [whole] = JSON.parse(text.replaceAll('CA_BUNDLE', ca)) as readonly KubernetesObject[]
  assertDone(await apply(whole, '--dry-run=server'))
})

test(
  'with the gate down its own pods start, nobody else’s, and nobody moves in',
  { skip },
  async () => {
    await world.apply('webhook')
    const other = pod('other', world.good, { namespace: 'default' })
    await until('the webhook is in force', async () => (await apply(other)).exit !== 0)
    assert.match((await apply(other)).stderr, /failed calling webhook/)
    for (const workload of ['deployment/sallyport', 'job/sallyport-begin']) {
      const place = ['-n', 'sallyport-system', 'get', workload, '-o', 'jsonpath={.spec.template}']
      const { stdout } = await world.cluster.kubectl(place)
      const { metadata, spec } = JSON.parse(stdout) as KubernetesObject & { metadata: object }
      const name = workload.replace('/', '-')
      const own = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { ...metadata, name, namespace: 'sallyport-system' },
        spec,
      }
      assertDone(await apply(own))
      const { containers } = spec as { containers: readonly Container[] }
      const [{ securityContext, image } = {}] = containers
      const container = { name: 'x', image, securityContext }
      const bad = { ...container, image: world.good }
      const volumes = [{ name: 'x', image: { reference: world.good } }]
      const intruders = [
        { containers: [bad] },
        { containers: [container], initContainers: [{ ...bad, name: 'y' }] },
        { containers: [container], volumes },
      ]
      for (const intruder of intruders) {
        const {
          containers: _,
          initContainers: __,
          volumes: ___,
          ...rest
        } = spec as KubernetesObject
        const moved = {
          ...own,
          metadata: { ...own.metadata, name: 'moved' },
          spec: { ...rest, ...intruder },
        }
        const refusal = /only registry\.example\/sallyport@sha256:0+ may run/
        await until('the guard is in force', async () =>
          refusal.test((await apply(moved, '--dry-run=server')).stderr),
        )
        assert.match((await apply(moved)).stderr, refusal)
      }
    }
    const debug = [
      'debug',
      'deployment-sallyport',
      '-n',
      'sallyport-system',
      '-c',
      'x',
      '--profile=restricted',
    ]
    const said = await world.cluster.kubectl([...debug, `--image=${world.good}`])
    assert.match(said.stderr, /only registry\.example\/sallyport/)
  },
)

test('no annotation brings an artifact into the namespace of the gate', { skip }, async () => {
  const manifests = await built(join(deployFolder, 'gate'))
  const { spec, metadata } = podOf(manifests.find(({ kind }) => kind === 'Deployment'))
  const own = (annotations: object) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...metadata, name: 'annotated', namespace: 'sallyport-system', annotations },
    spec,
  })
  const refusal = /sallyport-own-namespace.* denied .*no artifact may be brought/
  const bring = { 'seccomp-profile.crio.io/gate': world.bad, 'other.example/x': 'y' }
  await until('the guard is in force', async () =>
    refusal.test((await apply(own(bring), '--dry-run=server')).stderr),
  )
  for (const name of ['seccomp-profile.kubernetes.cri-o.io/POD', 'seccomp-profile.crio.io'])
    assert.match((await apply(own({ [name]: world.bad }))).stderr, refusal)
  assertDone(await apply(own({ 'other.example/x': 'y' })))
  assert.match((await apply(own(bring))).stderr, refusal)
  const patch = (pod: string, change: object): Promise<Said> => {
    const place = ['patch', 'pod', pod, '-n', 'sallyport-system', '--subresource=status']
    return world.cluster.kubectl([...place, '--type=merge', '-p', JSON.stringify(change)])
  }
  const status = { phase: 'Running' }
  for (const pod of ['annotated', 'earlier']) {
    assert.match((await patch(pod, { metadata: { annotations: bring } })).stderr, refusal)
    assertDone(await patch(pod, { status, metadata: { annotations: { 'other.example/x': 'z' } } }))
  }
  // What is there can be changed until it is gone, and nothing else takes its place.
  const change = (path: string, value: unknown): Promise<Said> => {
    const place = ['patch', 'pod', 'earlier', '-n', 'sallyport-system', '--type=json', '-p']
    return world.cluster.kubectl([...place, JSON.stringify([{ op: 'add', path, value }])])
  }
  assertDone(await change('/metadata/finalizers', ['other.example/x']))
  assert.match(
    (await change('/spec/containers/0/image', world.good)).stderr,
    /sallyport-own-namespace.* denied .*may run in the namespace of the gate/,
  )
  assertDone(await change('/metadata/finalizers', []))
})

test(
  'the policies that docs/kubernetes.md shows are such, and refuse what they say',
  { skip },
  async () => {
    const page = readFileSync(join(deployFolder, '../../docs/kubernetes.md'), 'utf8')
    const texts = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = '']) => text)
    const policies = texts.filter((text) => text.includes('kind: ValidatingAdmissionPolicy'))
    assert.equal(policies.length, 2)
    const spec = { validationActions: ['Deny'], matchResources: { namespaceSelector: shown } }
    const space = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shown' } }
    assertDone(await apply(space))
    for (const text of policies) {
      const policy = loadAll(text)[0] as KubernetesObject
      const { name } = policy['metadata'] as { name: string }
      const { apiVersion } = policy as { apiVersion: string }
      const binding = { apiVersion, kind: 'ValidatingAdmissionPolicyBinding', metadata: { name } }
      assertDone(await apply(policy))
      assertDone(await apply({ ...binding, spec: { ...spec, policyName: name } }))
    }
    const image = 'registry.example/shop@sha256:' + '1'.repeat(64)
    const containers = [{ name: 'main', image }]
    const refusedBy = async (spec: KubernetesObject): Promise<string | undefined> => {
      const { stderr } = await apply(pod('shown', spec, { namespace: 'shown' }), '--dry-run=server')
      return /'(images-by-digest|known-csi-drivers)'/.exec(stderr)?.[1]
    }
    const mounting = (driver: string) => ({
      containers,
      volumes: [{ name: 'x', csi: { driver, volumeAttributes: { image: 'evil.example/x' } } }],
    })
    const tagged = [{ name: 'main', image: 'registry.example/shop:1' }]
    for (const [name, what] of [
      ['images-by-digest', { containers: tagged }],
      ['known-csi-drivers', mounting('csi-image.example')],
    ] as const)
      await until(`${name} is in force`, async () => (await refusedBy(what)) === name)
    assert.equal(await refusedBy(mounting('secrets-store.csi.k8s.io')), undefined)
  },
)

const shown = { matchLabels: { 'kubernetes.io/metadata.name': 'shown' } }

test(
  'the optional parts fit together, with and without the webhook that pins',
  { skip },
  async () => {
    const others = ['leave-out-kube-system', 'cert-manager']
    for (const [parts, webhooks, kinds] of [
      [others, 3, 1],
      [['pin', ...others], 4, 2],
    ] as const) {
      const text = JSON.stringify(await builtWith(parts))
      const count = (part: RegExp): number => text.match(part)?.length ?? 0
      assert.equal(count(/"values":\["sallyport-system","kube-system"\]/g), webhooks)
      assert.equal(count(/"kind":"(Mutating|Validating)WebhookConfiguration"/g), kinds)
      assert.equal(
        count(/"cert-manager.io\/inject-ca-from":"sallyport-system\/sallyport-tls"/g),
        kinds,
      )
      assert.doesNotMatch(text, /CA_BUNDLE/)
    }
  },
)

/** The webhook with optional parts, in this order. */
async function builtWith(parts: readonly string[]): Promise<readonly KubernetesObject[]> {
  const folder = mkdtempSync(join(dir, 'overlay-'))
  const place = (name: string): string => relative(folder, join(deployFolder, name))
  const overlay = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: [place('webhook')],
    components: parts.map((name) => place(`components/${name}`)),
  }
  writeFileSync(join(folder, 'kustomization.yaml'), JSON.stringify(overlay))
  return built(folder)
}

test('the gate runs in what prepare.sh and begin/ make of a home folder', { skip }, async () => {
  await home([], dir)
  const { caFile, folder } = world.cluster
  const script = join(deployFolder, 'prepare.sh')
  const args = [join(dir, '.sallyport'), join(deployFolder, 'settings.yaml'), folder]
  const other = makeAuthority(folder, 'authority-gatekeeper').certificate
  const none = mkdtempSync(join(dir, 'certificates-'))
  const unsure = await run(script, args.with(2, none), { cwd: dir, path: world.cluster.binaries })
  assert.deepEqual([unsure.exit, unsure.stdout], [1, ''])
  assert.match(unsure.stderr, /ca\.crt/)
  const said = await run(script, args, { cwd: dir, path: world.cluster.binaries })
  assert.equal(said.exit, 0, said.stderr)
  const objects = loadAll(said.stdout) as readonly (Volume | null)[]
  for (const object of objects) if (object !== null) assertDone(await apply(object))
  const port = await freePort()
  const gate = await startAsDeployed(objects, port)
  try {
    const ready = ['-s', '--cacert', caFile, `https://127.0.0.1:${port}/readyz`]
    const isReady = async (): Promise<boolean> =>
      (await run('curl', ready, { cwd: dir })).stdout === 'ready\n'
    await until('the gate is ready', isReady, gate)
  } finally {
    await gate.kill()
  }
  const believed = readFileSync(join(dir, 'root/etc/sallyport-tls/ca.crt'), 'utf8')
  assert.equal(believed, readFileSync(caFile, 'utf8') + readFileSync(other, 'utf8'))
  // A ConfigMap is never writable: what could not ring could not let anything in, in an emergency least of all.
  const state = join(dir, 'root/var/lib/sallyport/')
  const { log, build, alarms, breakglass } = loadConfig({
    home: join(dir, 'root/etc/sallyport'),
    cwd: dir,
    env: {},
  })
  for (const path of [log.folder, log.memory, build.blobs, alarms.folder, breakglass.folder])
    assert.ok(path.startsWith(state), path)
})

test(
  'a configuration reaches the cluster through the gate of a pipeline, or not at all',
  { skip },
  async () => {
    const at = mkdtempSync(join(dir, 'pipeline-'))
    await makeHome(at)
    const write = (name: string): void => {
      const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } }
      writeFileSync(join(at, `${name}.yaml`), JSON.stringify(object))
    }
    for (const name of ['good', 'bad']) write(name)
    await provenance(['good.yaml'], at)
    const { binaries, kubeconfig } = world.cluster
    const env = { PATH: `${binaries}:${process.env['PATH']}`, KUBECONFIG: kubeconfig }
    const gate = (name: string) =>
      runMain(['gate', ...recipe('configuration', { 'shop.yaml': `${name}.yaml` })], at, env)
    const done = await gate('good')
    assert.equal(done.exit, 0, done.stderr.join('\n'))
    assert.equal((await gate('bad')).exit, 1)
    const { stdout } = await world.cluster.kubectl(['get', 'configmap', '-o', 'name'])
    assert.match(stdout, /^configmap\/good$/m)
    assert.doesNotMatch(stdout, /^configmap\/bad$/m)
  },
)

/** A pod of the image before this one, with all that it has. */
function earlier(): KubernetesObject {
  const image = 'registry.example/sallyport@sha256:' + '1'.repeat(64)
  const confined = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } }
  const seccompProfile = { type: 'RuntimeDefault' }
  return pod(
    'earlier',
    {
      securityContext: { runAsNonRoot: true, seccompProfile },
      containers: [{ name: 'gate', image, securityContext: confined }],
    },
    { namespace: 'sallyport-system' },
  )
}

interface Container {
  readonly image?: string
  readonly securityContext?: object
}

interface Volume {
  readonly metadata: { readonly name: string }
  readonly data: Readonly<Record<string, string>>
  readonly kind: string
}

/** Lays out the volumes as a kubelet does, runs the commands of the manifests, and starts the gate in that. */
async function startAsDeployed(
  objects: readonly (Volume | null)[],
  port: number,
): Promise<Running> {
  const root = join(dir, 'root')
  const here = (text: string): string =>
    text.replaceAll(
      /(?<![\w./-])\/(?=etc\/sallyport|var\/lib\/sallyport|keys|begin\/)/g,
      `${root}/`,
    )
  const mounts: Readonly<Record<string, string>> = {
    'sallyport-config': 'etc/sallyport',
    'sallyport-policies': 'etc/sallyport-policies',
    'sallyport-tls': 'etc/sallyport-tls',
    'sallyport-keys': 'keys-secret',
    'sallyport-begin': 'begin',
  }
  for (const object of objects) {
    if (object === null) continue
    const { kind, metadata, data } = object
    const encoding = kind === 'Secret' ? 'base64' : 'utf8'
    mount(join(root, mounts[metadata.name] ?? 'none'), data, (name, value) =>
      name === 'sallyport.yaml'
        ? Buffer.from(
            here(value).replace('port: 8443', `port: ${port}`).replace('0.0.0.0', '127.0.0.1'),
          )
        : Buffer.from(value, encoding),
    )
  }
  for (const name of ['keys', 'var/lib/sallyport']) mkdirSync(join(root, name), { recursive: true })
  const job = (await built(join(deployFolder, 'begin'))).find(({ kind }) => kind === 'Job')
  const manifests = await built(join(deployFolder, 'gate'))
  const deployment = manifests.find(({ kind }) => kind === 'Deployment')
  const [init, begin] = [commandOf(deployment, 'initContainers'), commandOf(job, 'containers')]
  for (const command of [init, begin]) {
    const [program = '', ...args] = command.map(here)
    const said = await run(program, args, { cwd: dir })
    assert.equal(said.exit, 0, said.stderr)
  }
  const [program = '', ...again] = begin.map(here)
  assert.match((await run(program, again, { cwd: dir })).stdout, /there is a log already/)
  const main = join(import.meta.dirname, '../../src/cli/main.ts')
  const args = [main, 'serve', '--home', join(root, 'etc/sallyport')]
  return start({ command: process.execPath, args, cwd: dir, log: join(dir, 'deployed.log') })
}

/** A ConfigMap or Secret in a pod: links to links, swapped all at once. */
function mount(
  folder: string,
  data: Readonly<Record<string, string>>,
  read: (name: string, value: string) => Buffer,
): void {
  const real = join(folder, '..2026_01_01')
  mkdirSync(real, { recursive: true })
  symlinkSync('..2026_01_01', join(folder, '..data'))
  for (const [name, value] of Object.entries(data)) {
    writeFileSync(join(real, name), read(name, value), { mode: 0o440 })
    symlinkSync(join('..data', name), join(folder, name))
  }
}

interface Template {
  readonly metadata: object
  readonly spec: Readonly<
    Record<'containers' | 'initContainers', readonly { readonly command: readonly string[] }[]>
  >
}

function podOf(workload: unknown): Template {
  return (workload as { spec: { template: Template } }).spec.template
}

function commandOf(workload: unknown, list: 'containers' | 'initContainers'): readonly string[] {
  return podOf(workload).spec[list][0]?.command ?? []
}
