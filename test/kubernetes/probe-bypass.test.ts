// `sallyport probe-bypass` against a real API server: nothing around a webhook as deploy/ has it, and every way around weaker ones.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { skip, type Said } from './api-server.ts'
import { pod } from './objects.ts'
import { freePort, until } from './processes.ts'
import { startWorld, type Manifest, type World } from './world.ts'

interface Report {
  readonly findings: readonly {
    readonly way: string
    readonly found: string
    readonly fix: string
  }[]
  readonly closed: readonly { readonly way: string; readonly by: string }[]
  readonly unknown: readonly { readonly way: string; readonly why: string }[]
  readonly notes: readonly string[]
}

let world: World
let webhook: Manifest

const apply = (object: unknown): Promise<Said> =>
  world.cluster.kubectl(['apply', '-f', '-'], object)

before(async () => {
  if (skip !== false) return
  world = await startWorld()
  await world.startGate()
  await world.apply('gate')
  await world.cluster.kubectl(['create', 'namespace', 'shop'])
  const main = { name: 'main', image: world.bad, securityContext: restricted }
  const intruder = pod('intruder', { containers: [main] }, { namespace: 'sallyport-system' })
  await until('the guard of the namespace is in force', async () =>
    (await dryRun(intruder)).stderr.includes('sallyport-own-namespace'),
  )
  await apply(pod('there', world.good))
  const annotations = { 'seccomp-profile.crio.io/main': world.bad }
  await until('the policy for bindings is in force', async () =>
    (await bind({ annotations })).stderr.includes('sallyport-bindings'),
  )
  const [found] = await world.manifests('webhook')
  assert.ok(found !== undefined)
  webhook = found
})

const restricted = {
  allowPrivilegeEscalation: false,
  runAsNonRoot: true,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
}

after(() => world?.stop())

function bind(more: object): Promise<Said> {
  const target = { apiVersion: 'v1', kind: 'Node', name: 'node' }
  const metadata = { name: 'there', ...more }
  const binding = { apiVersion: 'v1', kind: 'Binding', metadata, target }
  const path = '/api/v1/namespaces/shop/pods/there/binding'
  return world.cluster.kubectl(['create', '--raw', path, '-f', '-'], binding)
}

async function probe(...more: readonly string[]): Promise<{ exit: number; report: Report }> {
  const { kubeconfig } = world.cluster
  const said = await world.sallyport('probe-bypass', '--json', '--kubeconfig', kubeconfig, ...more)
  return { exit: said.exit, report: said.json as unknown as Report }
}

/** Registers the webhook with changes, and waits until the API server asks it about this namespace, or does not. */
async function registered(change: object, isAsked: () => Promise<boolean>): Promise<void> {
  const [first, ...others] = webhook.webhooks ?? []
  await world.cluster.kubectl(['delete', 'validatingwebhookconfiguration', 'sallyport'])
  await until('the API server has forgotten the old one', async () => !(await isRefused(badPod())))
  const said = await apply({ ...webhook, webhooks: [{ ...first, ...change }, ...others] })
  assert.equal(said.exit, 0, said.stderr)
  await until('the API server has heard of it', isAsked)
}

const dryRun = (object: unknown): Promise<Said> =>
  world.cluster.kubectl(['create', '--dry-run=server', '-f', '-'], object)
const isRefused = async (object: unknown): Promise<boolean> => (await dryRun(object)).exit !== 0
const badPod = () => pod('bad', world.bad)

test('without a webhook everything is open', { skip }, async () => {
  const { exit, report } = await probe('--namespace', 'shop')
  assert.equal(exit, 1)
  const ways = report.findings.map(({ way }) => way)
  for (const way of ['no webhook', 'pods in shop', 'pods, init container in shop']) {
    assert.ok(ways.includes(way), way)
  }
  assert.ok(ways.includes('apps/v1 daemonsets in shop'))
  assert.ok(ways.includes('pods/ephemeralcontainers in shop'))
  // The API server itself guards bindings, and the namespace of the gate.
  const by = 'ValidatingAdmissionPolicy'
  assert.deepEqual(report.closed, [
    { way: 'pods/binding in shop', by },
    { way: 'pods in sallyport-system', by },
    { way: 'nodes/proxy for everybody', by: 'authorization of the API server' },
  ])
})

test(
  'without the policy for bindings they are open, whether a pod has its node or not',
  { skip },
  async () => {
    const policy = ['validatingadmissionpolicybinding', 'sallyport-bindings']
    await world.cluster.kubectl(['delete', ...policy])
    const isFound = async (): Promise<boolean> => {
      const { findings } = (await probe('--namespace', 'shop')).report
      const found = findings.find(({ way }) => way === 'pods/binding in shop')
      return found?.fix.includes('sallyport-bindings') === true
    }
    await until('the API server has forgotten the policy', isFound)
    const bound = await bind({})
    assert.equal(bound.exit, 0, bound.stderr)
    assert.ok(await isFound())
    await world.apply('gate')
    await until('the API server has heard of the policy again', async () => !(await isFound()))
  },
)

test(
  'behind the webhook of deploy/ no known way works, and nothing is recorded',
  { skip },
  async () => {
    await registered({}, () => isRefused(badPod()))
    const size = await world.logSize()
    const { exit, report } = await probe('--namespace', 'shop')
    assert.deepEqual([report.findings, report.unknown, exit], [[], [], 0])
    const ways = report.closed.map(({ way }) => way)
    for (const way of ['pods, image as volume', 'pods, image by tag', 'batch/v1 cronjobs']) {
      assert.ok(ways.includes(`${way} in shop`), way)
    }
    assert.match(report.notes[0] ?? '', /namespaces sallyport-system$/)
    assert.equal(await world.logSize(), size)
  },
)

test('it needs no kubeconfig', { skip }, async () => {
  const { address, tokenFile, caFile } = world.cluster
  const args = ['--server', address, '--token-file', tokenFile, '--ca-file', caFile]
  const said = await world.sallyport('probe-bypass', ...args)
  assert.equal(said.exit, 3, said.stdout)
  // The first namespace has no pod to try an ephemeral container with: that is not known, and not closed.
  assert.match(said.stdout, /unknown +pods\/ephemeralcontainers in default +there is no pod/)
  assert.match(said.stdout, /sallyport: could not tell/)
})

/** A role, and who has it; `clusterrole` or a role that is there already. */
async function give(name: string, role: readonly string[], subject: string): Promise<void> {
  const made = await world.cluster.kubectl(['create', 'clusterrole', name, ...role])
  assert.equal(made.exit, 0, made.stderr)
  const binding = ['create', 'clusterrolebinding', name, `--clusterrole=${name}`, subject]
  const bound = await world.cluster.kubectl(binding)
  assert.equal(bound.exit, 0, bound.stderr)
}
const take = (name: string): Promise<Said> =>
  world.cluster.kubectl(['delete', 'clusterrolebinding,clusterrole', name])

const proxyWay = (report: Report): string | undefined =>
  report.findings.find(({ way }) => way.startsWith('nodes/proxy'))?.way

test('who may reach kubelets through the API server is found: everybody', { skip }, async () => {
  assert.equal(proxyWay((await probe()).report), undefined)
  const rights = [
    ['--verb=get', '--group=system:authenticated'],
    ['--verb=create', '--group=system:serviceaccounts'],
    ['--verb=get', '--group=system:unauthenticated'],
  ] as const
  for (const [verb, subject] of rights) {
    await give('to-nodes', [verb, '--resource=nodes/proxy'], subject)
    const isFound = async (): Promise<boolean> =>
      proxyWay((await probe()).report) === 'nodes/proxy for everybody'
    await until('the API server has heard of the right', isFound)
    await take('to-nodes')
    await until('the API server has forgotten it', async () => !(await isFound()))
  }
})

test('a deployer who asks is told what they themselves may', { skip }, async () => {
  const { address, caFile, folder } = world.cluster
  const account = ['serviceaccount', 'deployer', '-n', 'shop']
  assert.equal((await world.cluster.kubectl(['create', ...account])).exit, 0)
  const token = (await world.cluster.kubectl(['create', 'token', 'deployer', '-n', 'shop'])).stdout
  const tokenFile = join(folder, 'deployer-token')
  writeFileSync(tokenFile, token)
  const subject = '--serviceaccount=shop:deployer'
  const read = ['pods', 'namespaces', 'nodes', 'validatingwebhookconfigurations']
  await give('to-look', ['--verb=get,list', `--resource=${read.join(',')}`], subject)
  const asDeployer = async (): Promise<Report> => {
    const args = ['--server', address, '--token-file', tokenFile, '--ca-file', caFile]
    return (await world.sallyport('probe-bypass', '--json', ...args)).json as unknown as Report
  }
  const way = 'nodes/proxy for whoever asks here'
  await until('the rights count', async () =>
    ((await asDeployer()).closed ?? []).some((one) => one.way === way),
  )
  await give('to-nodes', ['--verb=get', '--resource=nodes/proxy'], subject)
  await until('this right, too', async () => proxyWay(await asDeployer()) === way)
  await take('to-nodes')
  await take('to-look')
})

test(
  'a kubelet that answers anybody is found; a fake one, for there is none here',
  { skip },
  async () => {
    const answers = { open: 200, shut: 401, odd: 500 } as const
    const kubelets = await Promise.all(
      Object.values(answers).map((status) => startFakeKubelet(status)),
    )
    try {
      for (const [index, name] of Object.keys(answers).entries()) {
        await addNode(name, kubelets[index]?.port ?? 0)
      }
      await addNode('away', await freePort())
      // Registered, and nobody has reported for it.
      await addNode('new')
      const { exit, report } = await probe()
      assert.equal(exit, 1)
      const said = (name: string) => (one: { way: string }) =>
        one.way === `kubelet of ${name}, asked by nobody`
      assert.match(
        report.findings.find(said('open'))?.fix ?? '',
        /authentication\.anonymous\.enabled/,
      )
      assert.equal(report.closed.find(said('shut'))?.by, 'kubelet (status 401)')
      assert.match(report.unknown.find(said('odd'))?.why ?? '', /status 500/)
      assert.ok(report.notes.some((note) => /kubelets of away, new cannot be reached/.test(note)))
      const asked = kubelets.flatMap(({ requests }) => requests)
      assert.deepEqual([...new Set(asked)], ['GET /pods '])
    } finally {
      for (const { close } of kubelets) close()
      await world.cluster.kubectl(['delete', 'nodes', '--all'])
    }
  },
)

async function addNode(name: string, port?: number): Promise<void> {
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name } }
  assert.equal((await world.cluster.kubectl(['create', '-f', '-'], node)).exit, 0)
  if (port === undefined) return
  const addresses = [{ type: 'InternalIP', address: '127.0.0.1' }]
  const status = { addresses, daemonEndpoints: { kubeletEndpoint: { Port: port } } }
  const patch = JSON.stringify({ status })
  const path = ['patch', 'node', name, '--subresource=status', '-p', patch]
  const said = await world.cluster.kubectl(path)
  assert.equal(said.exit, 0, said.stderr)
}

/** Answers as the port 10250 of a kubelet does, and runs nothing. */
async function startFakeKubelet(status: number) {
  const { folder } = world.cluster
  const requests: string[] = []
  const read = (name: string): Buffer => readFileSync(join(folder, name))
  const server = createServer(
    { key: read('tls.key'), cert: read('tls.crt') },
    (request, response) => {
      const { method, url, headers } = request
      requests.push(`${method} ${url} ${headers.authorization ?? ''}`)
      // More than is read of it.
      const items = Array.from({ length: 10_000 }, () => ({ metadata: { name: 'shop' } }))
      const pods = { kind: 'PodList', apiVersion: 'v1', metadata: {}, items }
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(status === 200 ? JSON.stringify(pods) : 'Unauthorized')
    },
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { port, requests, close: () => server.close() }
}

test('a namespace that is left out is found, and tried', { skip }, async () => {
  const key = 'kubernetes.io/metadata.name'
  const values = ['sallyport-system', 'shop']
  const matchExpressions = [{ key, operator: 'NotIn', values }]
  await registered({ namespaceSelector: { matchExpressions } }, () =>
    isRefused(pod('bad', world.bad, { namespace: 'default' })),
  )
  const { exit, report } = await probe()
  assert.equal(exit, 1)
  assert.deepEqual(
    report.findings.map(({ way }) => way),
    ['pods in shop'],
  )
})

test('forgotten resources and subresources are found both ways', { skip }, async () => {
  const rules = [
    { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] },
  ]
  await registered({ rules }, () => isRefused(badPod()))
  const { exit, report } = await probe('--namespace', 'shop')
  assert.equal(exit, 1)
  const ways = report.findings.map(({ way }) => way)
  assert.ok(ways.includes('rules: pods/ephemeralcontainers'))
  assert.ok(ways.includes('pods/ephemeralcontainers in shop'))
  assert.ok(ways.includes('apps/v1 deployments in shop'))
  assert.ok(!ways.includes('pods in shop'))
})

test('conditions and labels that leave something out are found both ways', { skip }, async () => {
  const matchConditions = [{ name: 'no-probes', expression: '!request.name.contains("probe")' }]
  await registered({ matchConditions }, () => isRefused(badPod()))
  const first = (await probe('--namespace', 'shop')).report.findings.map(({ way }) => way)
  assert.ok(first.includes('matchConditions') && first.includes('pods in shop'))
  await registered({ objectSelector: { matchLabels: { app: 'shop' } } }, () => isRefused(badPod()))
  const second = (await probe('--namespace', 'shop')).report.findings.map(({ way }) => way)
  assert.ok(second.includes('objectSelector') && second.includes('pods in shop'))
})

test('with failurePolicy Ignore a gate that is down lets everything in', { skip }, async () => {
  await registered({ failurePolicy: 'Ignore' }, () => isRefused(badPod()))
  const up = await probe('--namespace', 'shop')
  assert.deepEqual(
    up.report.findings.map(({ way }) => way),
    ['failurePolicy'],
  )
  await world.gate().kill()
  const down = await probe('--namespace', 'shop')
  assert.ok(down.report.findings.some(({ way }) => way === 'pods in shop'))
})

test('a gate that does not answer closes nothing: it could not be told', { skip }, async () => {
  await registered({}, () => isRefused(badPod()))
  const { exit, report } = await probe('--namespace', 'shop')
  assert.deepEqual([exit, report.findings], [3, []])
  assert.match(report.unknown[0]?.why ?? '', /failed calling webhook/)
})
