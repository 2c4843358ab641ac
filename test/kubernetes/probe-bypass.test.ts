// `sallyport probe-bypass` against a real API server: nothing around a webhook as deploy/ has it, and every way around weaker ones.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { skip, type Said } from './api-server.ts'
import { pod } from './objects.ts'
import { until } from './processes.ts'
import { startWorld, type Manifest, type World } from './world.ts'

interface Report {
  readonly findings: readonly { readonly way: string; readonly fix: string }[]
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
