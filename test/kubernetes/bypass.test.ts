// `sallyport breakglass audit` on the audit log of a real API server: what came in without the gate is found, and rings.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { run, skip, type Said } from './api-server.ts'
import { offerBreakglass, startPager, type Pager } from './glass.ts'
import { pod, templates } from './objects.ts'
import { until } from './processes.ts'
import { startWorld, type World } from './world.ts'

interface Report {
  readonly findings: readonly {
    readonly code: string
    readonly where: string
    readonly found: string
  }[]
  readonly unknown: readonly { readonly code: string; readonly where: string }[]
  readonly matched: number
}

let world: World
let pager: Pager
const apply = (object: unknown): Promise<Said> =>
  world.cluster.kubectl(['apply', '-f', '-'], object)
const kubectl = (...args: readonly string[]): Promise<Said> => world.cluster.kubectl(args)

before(async () => {
  if (skip !== false) return
  world = await startWorld()
  pager = await startPager()
  offerBreakglass(world, pager)
  await world.startGate()
  await kubectl('create', 'namespace', 'shop')
  for (const object of [pod('legacy', world.bad), templates('legacy', world.bad)[0]])
    assert.equal((await apply(object)).exit, 0)
  await world.apply('webhook')
  await until(
    'the webhook is in force',
    async () => (await apply(pod('probe', world.bad))).exit !== 0,
  )
})

after(async () => {
  await world?.stop()
  pager?.close()
})

async function audit(...more: readonly string[]): Promise<{ exit: number; report: Report }> {
  const file = join(world.cluster.folder, 'audit.log')
  const said = await world.sallyport('breakglass', 'audit', file, '--json', ...more)
  return { exit: said.exit, report: said.json as unknown as Report }
}
const codesOf = ({ findings }: Report): readonly string[] => findings.map(({ code }) => code)
const since = (): readonly string[] => ['--since', new Date().toISOString()]

test(
  'what was there before the webhook came in without the gate, and so did the webhook',
  { skip },
  async () => {
    const { exit, report } = await audit()
    assert.equal(exit, 1)
    assert.deepEqual(codesOf(report), [
      'BYPASS_UNGUARDED',
      'BYPASS_UNGUARDED',
      'BYPASS_GUARD_CHANGED',
    ])
    assert.match(report.findings[0]?.found ?? '', /"administrator": create pods "shop\/legacy"/)
    assert.equal(pager.heard.filter(({ type }) => type === 'bypass-found').length, 3)
    await audit()
    const heard = pager.heard.map(({ type }) => type)
    assert.deepEqual(heard, Array(3).fill('bypass-found'), 'what was found does not ring again')
  },
)

test(
  'what the gate has let in, refused or not been asked to decide is no finding',
  { skip },
  async () => {
    const from = since()
    for (const object of [pod('good', world.good), ...templates('good', world.good)])
      assert.equal((await apply(object)).exit, 0)
    assert.equal((await apply(pod('bad', world.bad))).exit, 1)
    const asJo = ['apply', '-f', '-', '--as=jo', '--as-group=system:masters']
    assert.equal((await world.cluster.kubectl(asJo, pod('as-jo', world.good))).exit, 0)
    for (const change of [
      ['label', 'pod', 'good', 'tier=x'],
      ['scale', 'deployment/good', '--replicas=2'],
      ['delete', 'pod', 'good', '--now', '--wait=false'],
    ])
      assert.equal((await kubectl('-n', 'shop', ...change)).exit, 0)
    const { exit, report } = await audit(...from)
    assert.deepEqual([report.findings, report.unknown, exit], [[], [], 0])
    assert.equal(report.matched, 10)
  },
)

test('what runs and was never let in is found, too', { skip }, async () => {
  const { kubeconfig } = world.cluster
  const { exit, report } = await audit(...since(), '--kubeconfig', kubeconfig)
  assert.deepEqual([exit, codesOf(report)], [1, ['BYPASS_UNDECIDED']])
  assert.equal(report.findings[0]?.where, 'shop/legacy')
  const more = ['--json', '--exit-code', '--kubeconfig', kubeconfig]
  const said = await world.sallyport('access', 'points', ...more)
  const points = said.json as unknown as Report
  assert.equal(said.exit, 1)
  const running = points.findings.filter(({ code }) => code === 'BYPASS_UNDECIDED')
  assert.deepEqual(
    running.map(({ where }) => where),
    ['shop/legacy'],
  )
})

test(
  'a gate that was passed over because it was down, and the end of the webhook, are found',
  { skip },
  async () => {
    const from = since()
    const [config] = await world.manifests('webhook')
    const [webhook] = config?.webhooks ?? []
    assert.equal(
      (await apply({ ...config, webhooks: [{ ...webhook, failurePolicy: 'Ignore' }] })).exit,
      0,
    )
    await world.gate().kill()
    await until('it fails open', async () => (await apply(pod('open', world.bad))).exit === 0)
    assert.equal((await kubectl('delete', 'validatingwebhookconfiguration', 'sallyport')).exit, 0)
    const { exit, report } = await audit(...from)
    assert.equal(exit, 1)
    assert.deepEqual(codesOf(report), [
      'BYPASS_GUARD_CHANGED',
      'BYPASS_FAILED_OPEN',
      'BYPASS_GUARD_CHANGED',
    ])
    assert.equal(
      (await audit(...from, ...again())).report.findings.length,
      3,
      'a log that was read twice',
    )
  },
)

/** The same file once more, as where rotated logs overlap. */
function again(): readonly string[] {
  return [join(world.cluster.folder, 'audit.log')]
}

test('who asks chooses the id of an event, and hides nothing by it', { skip }, async () => {
  const from = since()
  const { address, caFile, tokenFile, folder } = world.cluster
  const token = readFileSync(tokenFile, 'utf8').trim()
  const headers = [
    `authorization: Bearer ${token}`,
    'content-type: application/json',
    'audit-id: the-same',
  ]
  const curl = ['-s', '--cacert', caFile, ...headers.flatMap((header) => ['-H', header])]
  await until('the webhook is gone', async () => (await apply(pod('gone', world.bad))).exit === 0)
  for (const name of ['one', 'two']) {
    const url = `${address}/api/v1/namespaces/shop/pods`
    const said = await run('curl', [...curl, '--data-binary', '@-', url], {
      cwd: folder,
      input: pod(name, world.bad),
    })
    assert.match(said.stdout, /"kind": ?"Pod"/)
  }
  const { report } = await audit(...from)
  assert.deepEqual(
    report.findings.filter(({ where }) => where.includes('the-same')).map(({ code }) => code),
    ['BYPASS_UNGUARDED', 'BYPASS_UNGUARDED'],
  )
})

test(
  'a log that is not whole, or not there, says nothing, and least of all that all is well',
  { skip },
  async () => {
    const file = join(world.home, 'other.log')
    const ask = async (text: string | Buffer) => {
      writeFileSync(file, text)
      const said = await world.sallyport('breakglass', 'audit', file, '--json')
      return [said.exit, (said.json as unknown as Report).unknown.length]
    }
    const whole =
      world.cluster
        .audit()
        .split('\n')
        .find((line) => line.includes('"get"')) ?? ''
    assert.deepEqual(await ask(`${whole}\n`), [0, 0])
    assert.deepEqual(await ask(''), [3, 0])
    assert.deepEqual(await ask(`${whole}\n${whole.slice(0, 100)}`), [3, 1])
    assert.deepEqual(await ask(`${whole}\nnonsense\n{}\n[]\n\n`), [3, 3])
    assert.deepEqual(await ask(`${whole}\n${'x'.repeat(9_000_000)}\n`), [3, 1])
    const none = await world.sallyport('breakglass', 'audit', join(world.home, 'none.log'))
    assert.equal(none.exit, 2, none.stderr)
  },
)
