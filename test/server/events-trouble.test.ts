import assert from 'node:assert/strict'
import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { eventTypePrefix, type EventName, type ExportedEvent } from '#api'
import { keys } from '../../src/core/decision/testing/fixtures.ts'
import { makeAuthority } from './certificates.ts'
import {
  admission,
  call,
  makeHome,
  readiness,
  review,
  startInside,
  until,
  type GateHome,
  type Inside,
  type RoleName,
} from './gate.ts'
import { admit, carrying, fresh, granted, offerBreakglass } from './glass.ts'
import { startWebhook, type WebhookReceiver } from './receivers.ts'

let webhook: WebhookReceiver
const homes: GateHome[] = []
before(async () => {
  webhook = await startWebhook()
})
afterEach(async () => {
  webhook.answer(204)
  for (const home of homes.splice(0)) await home.close()
  webhook.events.length = 0
})
after(() => webhook.close())

async function homeWith(more = '', options = ''): Promise<GateHome> {
  const url = `http://127.0.0.1:${webhook.port}/`
  const sink = `{name: hook, minimumSeverity: info, webhook: {url: '${url}'}}`
  const home = await makeHome(`${more}\nevents: {${options}sinks: [${sink}]}\n`)
  homes.push(home)
  return home
}

const named = (name: EventName): readonly ExportedEvent[] =>
  webhook.events.filter(({ type }) => type === `${eventTypePrefix}${name}`)
const heard = (name: EventName): Promise<void> => until(name, () => named(name).length > 0)
const entriesOf = (events: readonly ExportedEvent[]): readonly number[] =>
  events.flatMap(({ data }) => data.proof?.entry ?? [])

test('a use of breakglass leaves with who granted it; a forged grant leaves, whether it is deployed with or handed in', async () => {
  const home = await homeWith()
  offerBreakglass(home)
  const gate = await startInside(home)
  const [digest, other] = [fresh(), fresh()]
  const good = await admit(gate, home.image(digest), carrying(granted(digest)))
  assert.equal(good.allowed, true)
  const forged = carrying(granted(other, {}, keys.stranger))
  assert.equal((await admit(gate, home.image(other), forged)).allowed, false)
  const handedIn = await call(gate.address, '/api/v1/breakglass/grants', {
    method: 'post',
    as: 'approver',
    body: JSON.stringify({
      grant: JSON.parse(granted(fresh(), {}, keys.stranger)) as object,
    }),
  })
  assert.equal(handedIn.status, 400)
  await until('both', () => named('breakglass.grant-refused').length === 2)
  const [used] = named('breakglass.used')
  assert.ok(used !== undefined)
  const { artifact, breakglass } = used.data
  assert.deepEqual(
    [used.severity, artifact?.sha256, breakglass?.approvers, breakglass?.incidents],
    ['critical', digest, ['erin'], ['INC-17']],
  )
  const inLog = named('breakglass.grant-refused').filter(({ data }) => data.proof !== undefined)
  const handed = named('breakglass.grant-refused').filter(({ data }) => data.proof === undefined)
  assert.equal(inLog[0]?.data.artifact?.sha256, other)
  assert.match(JSON.stringify(inLog[0]?.data.reasons), /SIGNATURE_/)
  assert.match(JSON.stringify(handed[0]?.data.problem), /SIGNATURE_/)
})

test('a log that was put back keeps the gate from starting, and that leaves', async () => {
  const home = await homeWith()
  const ask = async (gate: Inside): Promise<void> =>
    void (await admission(gate.address, review(home.image(home.approve()))))
  const first = await startInside(home)
  await ask(first)
  await first.stop()
  const log = join(home.folder, 'log')
  cpSync(log, join(home.dir, 'old'), { recursive: true })
  const second = await startInside(home)
  await ask(second)
  await second.stop()
  rmSync(log, { recursive: true })
  cpSync(join(home.dir, 'old'), log, { recursive: true })
  await assert.rejects(startInside(home), { code: 'LOG_ROLLED_BACK' })
  const [told] = named('gate.not-started')
  assert.deepEqual([told?.severity, told?.data.problem?.code], ['critical', 'LOG_ROLLED_BACK'])
  assert.deepEqual([named('gate.started').length, named('gate.stopped').length], [2, 2])
})

test('what keeps a gate from answering leaves when it begins, and when it is over', async () => {
  const gate = await startInside(await homeWith())
  const [signer] = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8')
    .trim()
    .split(' ')
  process.kill(Number(signer), 'SIGKILL')
  await heard('gate.unready')
  await until('ready again', async () => (await readiness(gate.address)).status === 200)
  await heard('gate.recovered')
  assert.equal(named('gate.unready')[0]?.data.problem?.code, 'SIGNER_DIED')
  assert.equal(named('gate.recovered')[0]?.data.problem?.code, 'SIGNER_DIED')
})

test('a certificate leaves that is new, that ends soon, that has ended, and one that is none', async () => {
  const home = await homeWith('serve: {port: 0, tls: {certificate: tls/tls.crt, key: tls/tls.key}}')
  const folder = join(home.folder, 'tls')
  mkdirSync(folder)
  const authority = makeAuthority(folder)
  const install = (name: string, days: number): void => {
    const { certificate, key } = authority.issue(name, 'gate', { days })
    copyFileSync(key, join(folder, 'tls.key'))
    copyFileSync(certificate, join(folder, 'tls.crt'))
  }
  install('first', 20)
  let clock = new Date()
  await startInside(home, () => clock)
  install('second', 19)
  await heard('certificate.changed')
  const now = clock
  clock = new Date(now.getTime() + 6 * 86_400_000)
  await heard('certificate.ending')
  clock = new Date(now.getTime() + 30 * 86_400_000)
  await heard('gate.unready')
  assert.equal(named('gate.unready')[0]?.data.problem?.code, 'SERVER_CERTIFICATE')
  clock = now
  writeFileSync(join(folder, 'tls.crt'), 'no certificate')
  await heard('alarm.certificate-refused')
  assert.equal(named('certificate.ending').length, 1)
})

const paths = [
  '/metrics',
  '/api/v1/targets',
  '/api/v1/decisions',
  '/api/v1/breakglass/requests',
] as const
const refusals: readonly (readonly [string, RoleName?])[] = [
  ...[...paths, '/api/v1/breakglass/uses', '/api/v1/decisions/0/receipt'].map(
    (path) => [path] as const,
  ),
  ...[paths[0], paths[2], paths[3]].map((path) => [path, 'deployer'] as const),
  ...[paths[0], paths[2]].map((path) => [path, 'approver'] as const),
  [paths[3], 'viewer'],
]

test('a sink that takes nothing keeps nobody waiting; the queue is bounded, what it dropped is told, and no decision is missing', async () => {
  webhook.answer('silence')
  const home = await homeWith('', 'maxWaiting: 10, warnAfterSeconds: 1, ')
  const gate = await startInside(home)
  const entries: number[] = []
  for (let at = 0; at < 40; at += 1) {
    const image = home.image(at % 2 === 0 ? home.approve() : fresh())
    entries.push((await admission(gate.address, review(image))).entry ?? -1)
    // Each an event of its own.
    const [path, as] = refusals[at % refusals.length] ?? ['/']
    await call(gate.address, path, as === undefined ? {} : { as })
  }
  const metrics = await (await call(gate.address, '/metrics', { as: 'viewer' })).text()
  const lost = Number(/^sallyport_events_lost_total (\d+)$/m.exec(metrics)?.[1])
  assert.ok(lost > 0, metrics)
  assert.match((await readiness(gate.address)).text, /^ready\n(?:.*\n)*EVENTS_LOST\n/)
  await until('a warning', async () =>
    (await readiness(gate.address)).text.includes('EVENTS_UNDELIVERED'),
  )
  webhook.answer(204)
  await until('all decisions', () => entriesOf(webhook.events).includes(entries.at(-1) ?? -1))
  await until('the queue is told', () => named('gate.started').length > 0)
  // As soon as there is room, it is told how many were dropped.
  await heard('events.lost')
  const told = named('events.lost').reduce((sum, { data }) => sum + (data.lost ?? 0), 0)
  assert.ok(told >= lost, `${told} of ${lost}`)
  const decisions = webhook.events.filter(({ data }) => data.verdict !== undefined)
  assert.deepEqual(entriesOf(decisions), entries)
})

test('of two gates on one home one tells for both, and the other goes on when it is gone', async () => {
  const home = await homeWith()
  const [one, two] = [await startInside(home), await startInside(home)]
  const entries: number[] = []
  const ask = async (gate: Inside): Promise<void> => {
    entries.push((await admission(gate.address, review(home.image(home.approve())))).entry ?? -1)
  }
  for (const gate of [one, two, one, two]) await ask(gate)
  await until('four', () => entriesOf(webhook.events).length === 4)
  await one.stop()
  for (const gate of [two, two]) await ask(gate)
  await until('six', () => entriesOf(webhook.events).includes(entries.at(-1) ?? -1))
  assert.deepEqual(entriesOf(webhook.events), entries, 'each once')
  assert.equal(named('gate.started').length, 2)
})
