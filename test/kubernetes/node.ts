// What a node does for the tests: no kubelet runs here. It starts the pods of one namespace for real, each container with
// bubblewrap in the volumes that its manifest mounts, and says of all others that they run.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { answers, apiOf } from './api.ts'
import type { Cluster } from './api-server.ts'
import { boxed, type Container, type Pod, type Volume } from './container.ts'

export interface NodeSetup {
  readonly cluster: Cluster
  /** Where the files of its pods go. */
  readonly folder: string
  /** Whose pods are really started; their images all are this repository. */
  readonly namespace: string
  /** What its pods are called by, one each. */
  readonly addresses: readonly string[]
}

export interface TestNode {
  /** What the pods have written. */
  output(): string
  stop(): Promise<void>
}

type Values = Readonly<Record<string, string>>

/** A pod of the namespace, as it runs. */
interface Started {
  readonly pod: Pod
  readonly folder: string
  readonly address: string
  readonly versions: Map<string, string>
  children: ChildProcess[]
  isReady: boolean
}

const nodeName = 'node-1'
const path = (pod: Pod): string =>
  `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}`

export async function startNode(setup: NodeSetup): Promise<TestNode> {
  const { cluster, folder, namespace } = setup
  const log = join(folder, 'pods.log')
  mkdirSync(folder, { recursive: true })
  writeFileSync(log, '')
  const api = apiOf(cluster)
  const itself = { apiVersion: 'v1', kind: 'Node', metadata: { name: nodeName } }
  await api('POST', '/api/v1/nodes', itself)
  await api('PATCH', `/api/v1/nodes/${nodeName}`, { spec: { taints: null } })
  const seen = new Set<string>()
  const started = new Map<string, Started>()
  const free = [...setup.addresses]
  const ended: { readonly pod: Pod; readonly phase: string }[] = []
  const state = { isOver: false }

  const round = async (): Promise<void> => {
    const { items } = (await api('GET', '/api/v1/pods')) as { items: readonly Pod[] }
    for (const pod of items) {
      const { uid, deletionTimestamp } = pod.metadata
      if (deletionTimestamp !== undefined) await end(pod)
      else if (pod.metadata.namespace !== namespace) await pretend(pod)
      else if (!started.has(uid) && !seen.has(uid)) await begin(pod)
    }
    for (const one of started.values()) await tend(one)
    for (const { pod, phase } of ended.splice(0)) await report(pod, phase, false)
  }

  const end = async (pod: Pod): Promise<void> => {
    const one = started.get(pod.metadata.uid)
    if (one !== undefined) {
      for (const child of one.children) child.kill('SIGKILL')
      started.delete(pod.metadata.uid)
    }
    await api('DELETE', `${path(pod)}?gracePeriodSeconds=0`)
  }

  const pretend = async (pod: Pod): Promise<void> => {
    if (seen.has(pod.metadata.uid)) return
    seen.add(pod.metadata.uid)
    const isJob = pod.metadata.ownerReferences?.some(({ kind }) => kind === 'Job') ?? false
    await bind(pod)
    await report(pod, isJob ? 'Succeeded' : 'Running', !isJob)
  }

  const bind = async (pod: Pod): Promise<void> => {
    if (pod.spec.nodeName !== undefined) return
    const target = { kind: 'Node', name: nodeName }
    const { name } = pod.metadata
    await api('POST', `${path(pod)}/binding`, {
      kind: 'Binding',
      apiVersion: 'v1',
      metadata: { name },
      target,
    })
  }

  /** Waits, as a kubelet does, until everything that is mounted is there. */
  const begin = async (pod: Pod): Promise<void> => {
    const at = join(folder, pod.metadata.uid)
    for (const volume of pod.spec.volumes ?? []) if (!(await isThere(volume))) return
    const address = free.shift()
    if (address === undefined) return
    const one = { pod, folder: at, address, versions: new Map(), children: [], isReady: false }
    started.set(pod.metadata.uid, one)
    await bind(pod)
    await mountAll(one)
    await report(pod, 'Pending', false, address)
    run(one)
  }

  const isThere = async ({ configMap, secret, persistentVolumeClaim: claim }: Volume) => {
    const [kind, name] =
      configMap !== undefined
        ? ['configmaps', configMap.name]
        : secret !== undefined
          ? ['secrets', secret.secretName]
          : ['persistentvolumeclaims', claim?.claimName]
    if (name === undefined) return true
    const found = await api('GET', `/api/v1/namespaces/${namespace}/${kind}/${name}`)
    return (found as { kind: string }).kind !== 'Status'
  }

  const mountAll = async (one: Started): Promise<void> => {
    for (const volume of one.pod.spec.volumes ?? []) {
      const at = placeOf(one, volume)
      mkdirSync(at, { recursive: true })
      const { configMap, secret } = volume
      if (configMap !== undefined) await mount(one, at, 'configmaps', configMap.name)
      if (secret !== undefined) await mount(one, at, 'secrets', secret.secretName)
    }
  }

  const placeOf = (one: Started, { name, persistentVolumeClaim: claim }: Volume): string =>
    claim === undefined ? join(one.folder, name) : join(folder, `claim-${claim.claimName}`)

  /** Links to links, swapped all at once, as a kubelet writes them. */
  const mount = async (one: Started, at: string, kind: string, name: string): Promise<void> => {
    const found = (await api('GET', `/api/v1/namespaces/${namespace}/${kind}/${name}`)) as {
      metadata: { resourceVersion: string }
      data?: Values
    }
    const { resourceVersion } = found.metadata
    if (one.versions.get(at) === resourceVersion) return
    one.versions.set(at, resourceVersion)
    const real = `..${resourceVersion}`
    mkdirSync(join(at, real), { recursive: true })
    for (const [file, text] of Object.entries(found.data ?? {})) {
      const bytes = Buffer.from(text, kind === 'secrets' ? 'base64' : 'utf8')
      // All pods share one network here, and each needs the port of the manifest.
      const own =
        file === 'sallyport.yaml'
          ? bytes.toString().replace('host: 0.0.0.0', `host: ${one.address}`)
          : bytes
      writeFileSync(join(at, real, file), own, { mode: 0o440 })
      if (!existsSync(join(at, file))) symlinkSync(join('..data', file), join(at, file))
    }
    symlinkSync(real, join(at, '..next'))
    renameSync(join(at, '..next'), join(at, '..data'))
  }

  const run = (one: Started): void => {
    const { pod } = one
    const out = openSync(log, 'a')
    const stdio: ['ignore', number, number] = ['ignore', out, out]
    const words = (container: Container): readonly string[] =>
      boxed(container, pod, (volume) => placeOf(one, volume))
    for (const container of pod.spec.initContainers ?? []) {
      const { status } = spawnSync('bwrap', words(container), { stdio })
      if (status !== 0) return void ended.push({ pod, phase: 'Failed' })
    }
    one.children = pod.spec.containers.map((container) => {
      const child = spawn('bwrap', words(container), { stdio })
      child.once('exit', (code) => {
        if (!state.isOver && started.has(pod.metadata.uid))
          ended.push({ pod, phase: code === 0 ? 'Succeeded' : 'Failed' })
        seen.add(pod.metadata.uid)
        started.delete(pod.metadata.uid)
        free.push(one.address)
      })
      return child
    })
    closeSync(out)
  }

  const tend = async (one: Started): Promise<void> => {
    await mountAll(one)
    const [probe] = one.pod.spec.containers.flatMap(({ readinessProbe = [] }) => readinessProbe)
    const isReady = probe !== undefined && (await answers(one.address, probe.httpGet.path))
    if (isReady === one.isReady) return
    one.isReady = isReady
    await report(one.pod, 'Running', isReady, one.address)
  }

  const report = async (pod: Pod, phase: string, ready: boolean, podIP = '10.244.9.9') => {
    const status = ready ? 'True' : 'False'
    const at = new Date().toISOString()
    const state =
      phase === 'Running'
        ? { running: { startedAt: at } }
        : { terminated: { exitCode: phase === 'Succeeded' ? 0 : 1, finishedAt: at } }
    await api('PATCH', `${path(pod)}/status`, {
      status: {
        phase,
        podIP,
        podIPs: [{ ip: podIP }],
        startTime: at,
        conditions: ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map((type) => ({
          type,
          status: type.endsWith('Ready') ? status : 'True',
          lastTransitionTime: at,
        })),
        ...(phase === 'Pending'
          ? {}
          : {
              containerStatuses: pod.spec.containers.map(({ name, image }) => ({
                name,
                image,
                imageID: image,
                ready,
                restartCount: 0,
                state,
              })),
            }),
      },
    })
  }

  const running = (async () => {
    while (!state.isOver) {
      try {
        await round()
      } catch (error) {
        // The API server is being started again, or something is wrong with this.
        writeFileSync(log, `node: ${String(error)}\n`, { flag: 'a' })
      }
      await new Promise((done) => setTimeout(done, 150))
    }
  })()
  return {
    output: () => readFileSync(log, 'utf8'),
    async stop() {
      state.isOver = true
      await running
      for (const { children } of started.values())
        for (const child of children) child.kill('SIGKILL')
    },
  }
}
