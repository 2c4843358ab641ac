import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { load } from 'js-yaml'
import { sha256Hex } from '#document'
import { bundleType, pusherTo, type Pushed } from '../../src/evidence/testing/push.ts'
import { startTestRegistry, type TestRegistry } from '../../src/evidence/testing/registry.ts'
import { home } from '../scenarios/home-folder.ts'
import { runInProcess } from '../scenarios/in-process.ts'
import { provenance } from '../scenarios/provenance.ts'
import { run, startCluster, type Cluster } from './api-server.ts'
import { freePort, start, until, type Running } from './processes.ts'

export const deployFolder = join(import.meta.dirname, '../../deploy/kubernetes')
const main = join(import.meta.dirname, '../../src/cli/main.ts')
export const gateToken = 'a-token-of-the-test'

/** A cluster, the gate as a process of its own, and a registry with images; the webhook is not installed yet. */
export interface World {
  readonly cluster: Cluster
  readonly registry: TestRegistry
  readonly gateAddress: string
  /** The home folder of the gate; what is changed there before `startGate` counts. */
  readonly home: string
  /** In the registry, with provenance that admits it to staging. */
  readonly good: string
  /** Its tag. */
  readonly tagged: string
  /** In the registry, without any evidence. */
  readonly bad: string
  /** Others without evidence in the registry, and the evidence itself. */
  readonly carried: Carried
  readonly alsoCarried: Carried
  gate(): Running
  /** Starts the gate at the same address; resolves when it is ready. */
  startGate(): Promise<void>
  /** Runs the command line in the home of the gate. */
  sallyport(...args: readonly string[]): ReturnType<typeof runInProcess>
  /** What a folder of deploy/kubernetes says, with the gate of this world in it. */
  manifests(folder: string): Promise<readonly Manifest[]>
  apply(folder: string): Promise<void>
  /** Entries in the log of the gate. */
  logSize(): Promise<number>
  /** Sends a request to the gate over TLS. */
  ask(path: string, body?: unknown): Promise<string>
  stop(): Promise<void>
}

interface Carried {
  readonly image: string
  readonly evidence: string
}

export interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string }
  webhooks?: { name: string; clientConfig: object; [member: string]: unknown }[]
  [member: string]: unknown
}

export async function startWorld(): Promise<World> {
  const port = await freePort()
  const cluster = await startCluster({ webhook: `127.0.0.1:${port}` })
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-gate-'))
  await home([], dir)
  const registry = await startTestRegistry()
  configure(dir, registry, cluster, port)
  const images = await makeImages(dir, registry)
  const gateAddress = `https://127.0.0.1:${port}`
  let running: Running | undefined
  const world: World = {
    cluster,
    registry,
    gateAddress,
    home: join(dir, '.sallyport'),
    ...images,
    gate: () => running ?? notStarted(),
    async startGate() {
      const args = [main, 'serve', '--home', join(dir, '.sallyport')]
      running = start({ command: process.execPath, args, cwd: dir, log: join(dir, 'gate.log') })
      const isReady = async (): Promise<boolean> => {
        const ca = join(cluster.folder, 'ca.crt')
        const curl = ['-s', '--cacert', ca, `${gateAddress}/readyz`]
        return (await run('curl', curl, { cwd: dir })).stdout === 'ready\n'
      }
      await until('the gate is ready', isReady, running)
    },
    sallyport: (...args) => runInProcess(args, { dir }),
    async manifests(folder) {
      const said = await cluster.kubectl(['kustomize', join(deployFolder, folder)])
      if (said.exit !== 0) throw new Error(said.stderr)
      return manifestsOf(said.stdout, gateAddress, cluster.caFile)
    },
    async apply(folder) {
      for (const manifest of await world.manifests(folder)) {
        const said = await cluster.kubectl(['apply', '-f', '-'], manifest)
        if (said.exit !== 0) throw new Error(said.stderr)
      }
    },
    async logSize() {
      // What is acknowledged is published a moment later: whoever asks for the newest decision waits for it.
      await world.ask('/api/v1/decisions?limit=1')
      return Number((await world.ask('/log/checkpoint')).split('\n')[1])
    },
    async ask(path, body) {
      const post = ['-H', 'content-type: application/json', '--data-binary', '@-']
      const args = ['-s', '--cacert', cluster.caFile, '-H', `authorization: Bearer ${gateToken}`]
      const all = [...args, ...(body === undefined ? [] : post), `${gateAddress}${path}`]
      return (await run('curl', all, { cwd: dir, input: body })).stdout
    },
    async stop() {
      await running?.kill()
      await registry.close()
      await cluster.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
  return world
}

function notStarted(): never {
  throw new Error('the gate was not started')
}

/** The webhook of deploy/ calls a Service; there is no network of pods here, so it calls the same gate by its address. */
export function manifestsOf(yaml: string, gate: string, caFile: string): readonly Manifest[] {
  const caBundle = readFileSync(caFile).toString('base64')
  const all = yaml.split(/^---$/m).map((text) => load(text) as Manifest)
  for (const { webhooks = [] } of all) {
    for (const webhook of webhooks) {
      const { service } = webhook.clientConfig as { service: { path: string } }
      webhook.clientConfig = { caBundle, url: `${gate}${service.path}` }
    }
  }
  return all
}

function configure(dir: string, registry: TestRegistry, cluster: Cluster, port: number): void {
  const { folder } = cluster
  const file = join(dir, '.sallyport/sallyport.yaml')
  appendFileSync(
    file,
    `
serve:
  port: ${port}
  tls: {certificate: ${folder}/tls.crt, key: ${folder}/tls.key, clientAuthorities: ${folder}/ca.crt}
evidence:
  registries: {allow: ["${registry.host}"]}
access:
  tokens: [{name: test, sha256: ${sha256Hex(gateToken)}, roles: [deployer, viewer], expires: 2100-01-01T00:00:00Z}]
admission:
  clients: [kube-apiserver]
  namespaces:
    shop: {environment: staging, service: {label: app}}
    tools: {environment: staging, service: {from: namespace}}
    trial: {environment: staging, service: trial}
  kinds: {acme.example/Rollout: spec.template}
`,
  )
  const policies = join(dir, '.sallyport/policies')
  const staging = readFileSync(join(policies, 'staging.yaml'), 'utf8')
  for (const service of ['tools', 'trial']) {
    const text = staging
      .replace('shop-staging', `${service}-staging`)
      .replace('service: shop}', `service: ${service}}`)
    const isTrial = service === 'trial'
    const policy = isTrial ? text.replace('mode: enforce', 'mode: audit') : text
    writeFileSync(join(policies, `${service}.yaml`), policy)
  }
}

async function makeImages(dir: string, registry: TestRegistry) {
  const push = pusherTo(registry.base, 'acme/shop')
  const place = `${registry.host}/acme/shop`
  const named = ({ digest }: Pushed): string => `${place}@sha256:${digest}`
  const [good, bad] = [await push.image('good', '1.0'), await push.image('bad', '0.9')]
  const bytes = await evidenceOf(good, dir)
  await push.referrer(good, bundleType, [{ mediaType: bundleType, bytes }])
  const carry = async (content: string): Promise<Carried> => {
    const image = await push.image(content)
    return { image: named(image), evidence: (await evidenceOf(image, dir)).toString() }
  }
  return {
    good: named(good),
    tagged: `${place}:1.0`,
    bad: named(bad),
    carried: await carry('carried'),
    alsoCarried: await carry('also carried'),
  }
}

async function evidenceOf({ bytes, digest }: Pushed, dir: string): Promise<Buffer> {
  writeFileSync(join(dir, digest), bytes)
  await provenance([digest], dir)
  return readFileSync(join(dir, `${digest}.sigstore.jsonl`))
}
