import assert from 'node:assert/strict'
import { randomBytes, randomInt } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { eventTypePrefix, type ExportedEvent } from '#api'
import { loadConfig } from '#config'
import { openLogView } from '#log'
import { hashLeaf } from '#merkle'
import { openFileLogStorage } from '#store'
import { makeAuthority } from './certificates.ts'
import {
  call,
  makeHome,
  startOutside,
  tokens,
  until,
  writePolicy,
  type GateHome,
  type Outside,
} from './gate.ts'
import {
  readEvent,
  startSyslog,
  startWebhook,
  type SyslogReceiver,
  type WebhookReceiver,
} from './receivers.ts'

const secret = 'a-shared-secret-nobody-may-see'
const authorization = 'Splunk 11111111-2222-3333-4444-555555555555'
let home: GateHome
let gate: Outside
let syslog: SyslogReceiver
let webhook: WebhookReceiver

before(async () => {
  webhook = await startWebhook()
  const tls = join((home = await makeHome()).folder, 'tls')
  mkdirSync(tls)
  const authority = makeAuthority(tls)
  const { certificate, key } = authority.issue('siem', 'siem')
  authority.issue('sender', 'gate')
  const ca = readFileSync(authority.certificate)
  syslog = await startSyslog({ cert: readFileSync(certificate), key: readFileSync(key), ca })
  writeFileSync(join(home.folder, 'hook.secret'), `${secret}\n`)
  writeFileSync(join(home.folder, 'hook.authorization'), `${authorization}\n`)
  const file = join(home.folder, 'sallyport.yaml')
  writeFileSync(file, `${readFileSync(file, 'utf8')}${configOf()}`)
  gate = await startOutside(home)
})
after(async () => {
  gate.child.kill('SIGTERM')
  await gate.ended
  webhook.close()
  syslog.close()
  await home.close()
})

const configOf = (): string => `
events:
  sinks:
    - {name: file, minimumSeverity: info, file: {path: out/events.jsonl}}
    - name: siem
      minimumSeverity: info
      syslog: {host: 127.0.0.1, port: ${syslog.port}, ca: tls/ca.crt, certificate: tls/sender.crt, key: tls/sender.key}
    - name: hook
      minimumSeverity: info
      webhook: {url: 'http://127.0.0.1:${webhook.port}/events', secretFile: hook.secret, authorizationFile: hook.authorization, batch: 7}
`

const target = { environment: 'production', service: 'shop' }

async function decide(sha256: string, name = 'shop'): Promise<number> {
  const body = JSON.stringify({ artifact: { name, digest: { sha256 } }, target })
  const response = await call(gate.address, '/api/v1/decisions', {
    method: 'post',
    as: 'deployer',
    body,
  })
  const { entry = -1 } = (await response.json()) as { entry?: number }
  return entry
}

const fresh = (): string => randomBytes(32).toString('hex')
const inFile = (): readonly ExportedEvent[] => {
  const path = join(home.folder, 'out/events.jsonl')
  const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
  return text.split('\n').slice(0, -1).map(readEvent)
}
const ways = (): readonly (readonly [string, readonly ExportedEvent[]])[] => [
  ['file', inFile()],
  ['syslog', syslog.events],
  ['webhook', webhook.events],
]
const nameOf = ({ type }: ExportedEvent): string => type.slice(eventTypePrefix.length)
const entriesIn = (events: readonly ExportedEvent[]): number[] =>
  events.flatMap(({ data }) => data.proof?.entry ?? [])

/** Distinct events in the order in which they came first; the same id has to be the same event. */
function distinct(events: readonly ExportedEvent[]): ExportedEvent[] {
  const known = new Map<string, ExportedEvent>()
  for (const event of events) {
    const { id } = event
    assert.deepEqual(event, known.get(id) ?? event, 'the same id, and not the same event')
    if (!known.has(id)) known.set(id, event)
  }
  return [...known.values()]
}

async function everywhere(what: string, holds: (events: readonly ExportedEvent[]) => boolean) {
  for (const [way] of ways())
    await until(`${what}: ${way}`, () => holds(ways().find(([name]) => name === way)?.[1] ?? []))
}

test('decisions leave by file, syslog over TLS and webhook: all of them, in order, each with what proves it', async () => {
  const entries: number[] = []
  for (let at = 0; at < 20; at += 1)
    entries.push(await decide(at % 2 === 0 ? home.approve() : fresh()))
  const last = entries.at(-1) ?? -1
  await everywhere('all', (events) => entriesIn(events).includes(last))
  const decisionsIn = (events: readonly ExportedEvent[]): ExportedEvent[] =>
    events.filter((event) => nameOf(event).startsWith('decision.'))
  const names = entries.map((_, at) => (at % 2 === 0 ? 'decision.admitted' : 'decision.refused'))
  for (const [way, events] of ways()) {
    const decisions = decisionsIn(events)
    assert.deepEqual(entriesIn(decisions), entries, way)
    assert.deepEqual(decisions.map(nameOf), names, way)
    assert.deepEqual(decisions, decisionsIn(inFile()), way)
  }
  await proven(decisionsIn(inFile()))
  const [first = {}] = webhook.headers
  assert.match(String(first['content-type']), /^application\/cloudevents-batch\+json/)
  assert.equal(first.authorization, authorization)
  assert.match(String(first['sallyport-signature']), /^t=\d+,v1=[0-9a-f]{64}$/)
})

/** Each is about what it says, and its leaf is the one that the log has in that place. */
async function proven(events: readonly ExportedEvent[]): Promise<void> {
  const { log } = loadConfig({ cwd: home.dir, env: {} })
  const storage = openFileLogStorage(log.folder)
  const view = await openLogView(storage, log)
  for (const { data, subject } of events) {
    const { proof, artifact } = data
    assert.ok(proof !== undefined && artifact !== undefined)
    assert.equal(subject, `sha256:${artifact.sha256}`)
    assert.deepEqual(data.target, target)
    const leaf = hashLeaf(await view.entry(proof.entry))
    assert.equal(proof.leaf, Buffer.from(leaf).toString('hex'))
  }
  await storage.close()
}

test('who is refused leaves, too: without a name, and without the role; a flood of them is told together', async () => {
  for (let at = 0; at < 50; at += 1) await call(gate.address, '/api/v1/targets')
  await call(gate.address, '/metrics', { as: 'approver' })
  const found = (events: readonly ExportedEvent[]) =>
    events.filter((event) => nameOf(event) === 'access.refused')
  await everywhere('both', (events) => found(events).length >= 2)
  const path = '/api/v1/targets'
  for (const [way, events] of ways()) {
    const told = found(events).map(({ data: { access, principal } }) => ({
      code: access?.code,
      status: access?.status,
      route: access?.route,
      offered: access?.offered,
      principal,
    }))
    const expected = [
      {
        code: 'ACCESS_UNAUTHENTICATED',
        status: 401,
        route: path,
        offered: false,
        principal: undefined,
      },
      {
        code: 'ACCESS_FORBIDDEN',
        status: 403,
        route: '/metrics',
        offered: true,
        principal: 'token:approver',
      },
    ]
    // The other 49 are told when the minute is over.
    assert.deepEqual(told, expected, way)
  }
})

test('other policies leave, and policies that were refused', async () => {
  writePolicy(home.folder, 'allowed: {by: [release-managers], environment: staging}')
  await everywhere('changed', (events) =>
    events.some((event) => nameOf(event) === 'rulebook.changed'),
  )
  writePolicy(home.folder, 'nonsense: {}')
  await everywhere('refused', (events) => {
    const names = events.map(nameOf)
    return names.includes('alarm.rulebook-refused') && names.includes('gate.warning')
  })
  writePolicy(home.folder)
  await everywhere('over', (events) => events.some((event) => nameOf(event) === 'gate.recovered'))
})

const hostile = [
  'shop\n{"specversion":"1.0","id":"forged"}',
  'shop\r\n<14>1 2026-06-01T12:00:00Z gate sallyport 1 decision.admitted - {}',
  '33 <14>1 - - - - - - forged\n\n\u0000\u0007\u001b[2J\u001b]0;x\u0007',
  'shop\u0085\u2028\u2029\u202e\u200b\ufeff{"id":"forged"}',
  '\u00e4'.repeat(900),
  '"],"type":"dev.sallyport.gate.started","x":["',
  '\\',
  '\u{1f600}'.repeat(400),
]

test('a hostile name is a text in its own event, and in no other: framing and lines hold', async () => {
  const entries: number[] = []
  for (const name of hostile) entries.push(await decide(fresh(), name))
  await everywhere('all', (events) => entriesIn(events).includes(entries.at(-1) ?? -1))
  for (const [way, events] of ways()) {
    const told = events.filter(({ data }) => entries.includes(data.proof?.entry ?? -1))
    assert.deepEqual(entriesIn(told), entries, way)
    for (const [at, { data, source }] of told.entries()) {
      const name = data.artifact?.name ?? ''
      assert.ok(name.length > 0 && (hostile[at] ?? '').startsWith(name))
      assert.match(source, /^\/\//)
    }
    assert.ok(events.every(({ id }) => /^[0-9a-f]{32}$/.test(id)))
  }
  // Lines and frames are of printable ASCII alone; nothing is left over between two of them.
  const text = readFileSync(join(home.folder, 'out/events.jsonl'), 'latin1')
  assert.match(text, /^[\x20-\x7e\n]*$/)
  assert.match(webhook.raw(), /^[\x20-\x7e]*$/)
  assert.match(syslog.raw(), /^[\x20-\x7e]*$/)
  const framed = syslog.messages.map((one) => `${Buffer.byteLength(one)} ${one}`).join('')
  assert.equal(syslog.raw(), framed)
  assert.ok(syslog.messages.every((one) => Buffer.byteLength(one) <= 8192))
})

test('no secret leaves: tokens that were sent, the secrets of sinks, keys of the home', async () => {
  const forged = 'Bearer token-that-nobody-has-4711'
  await call(gate.address, `/api/v1/targets?token=query-secret-4711`, {
    headers: { authorization: forged },
  })
  await call(gate.address, '/api/v1/decisions', { method: 'post', as: 'viewer', body: '{}' })
  await everywhere('403', (events) => events.some(({ data }) => data.principal === 'token:viewer'))
  const all = [
    readFileSync(join(home.folder, 'out/events.jsonl'), 'utf8'),
    webhook.raw(),
    syslog.raw(),
  ]
  const keys = readFileSync(join(home.folder, 'keys/log.pass'), 'utf8').trim()
  for (const hidden of [
    ...Object.values(tokens),
    'nobody-has-4711',
    'query-secret',
    secret,
    authorization,
    keys,
  ])
    for (const text of all) assert.ok(!text.includes(hidden), hidden)
})

test('what was exported, what waits and how often it failed is in the metrics', async () => {
  const text = await (await call(gate.address, '/metrics', { as: 'viewer' })).text()
  for (const sink of ['file', 'siem', 'hook']) {
    assert.match(
      text,
      new RegExp(`^sallyport_events_exported_total\\{sink="${sink}"\\} [1-9]`, 'm'),
    )
    assert.match(text, new RegExp(`^sallyport_events_failures_total\\{sink="${sink}"\\} 0$`, 'm'))
    assert.match(
      text,
      new RegExp(`^sallyport_events_log_lag_entries\\{sink="${sink}"\\} \\d+$`, 'm'),
    )
  }
  assert.match(text, /^sallyport_events_lost_total 0$/m)
})

test('a sink that is away, and a gate that is killed: afterwards it hears everything, in order; the same event has the same id', async () => {
  webhook.answer(503)
  const before = webhook.events.length
  const entries: number[] = []
  const some = async (count: number): Promise<void> => {
    for (let at = 0; at < count; at += 1)
      entries.push(await decide(at % 3 === 0 ? home.approve() : fresh()))
  }
  await some(10)
  await until('it has failed', async () => {
    const text = await (await call(gate.address, '/metrics', { as: 'viewer' })).text()
    return /^sallyport_events_failures_total\{sink="hook"\} [1-9]/m.test(text)
  })
  await until('the journal says so', () => gate.output().includes('"events are not taken"'))
  assert.match(gate.output(), /"events are not taken","sink":"hook","failure":"status 503"/)
  webhook.answer('silence')
  await some(10)
  gate.child.kill('SIGKILL')
  await gate.ended
  gate = await startOutside(home)
  await some(10)
  assert.equal(webhook.events.length, before, 'nothing was taken')
  webhook.answer(204)
  await some(10)
  gate.child.kill('SIGKILL')
  await gate.ended
  gate = await startOutside(home)
  await some(5)
  gate.child.kill('SIGTERM')
  assert.equal(await gate.ended, 0)
  gate = await startOutside(home)
  const last = entries.at(-1) ?? -1
  await everywhere('all', (events) => entriesIn(events).includes(last))
  for (const [way, events] of ways()) {
    const decisions = distinct(events).filter((event) => nameOf(event).startsWith('decision.'))
    const told = entriesIn(decisions).filter((entry) => entries.includes(entry))
    assert.deepEqual(told, entries, way)
  }
})

test('who was refused often is told with the count when the gate is stopped', async () => {
  const route = '/api/v1/breakglass/uses'
  const found = () => inFile().filter(({ data }) => data.access?.route === route)
  for (let at = 0; at < 10; at += 1) await call(gate.address, route)
  gate.child.kill('SIGTERM')
  assert.equal(await gate.ended, 0)
  gate = await startOutside(home)
  await until('both', () => found().length === 2)
  assert.deepEqual(
    found().map(({ data }) => data.access?.count),
    [1, 9],
  )
})

test('killed at any moment under load, again and again: whatever was answered is told, by every way, in the order of the log', async () => {
  const answered: number[] = []
  for (let round = 0; round < 3; round += 1) {
    const asking = Array.from({ length: 12 }, async (_, at) => {
      // Who asks a gate that is killed has no answer, and nothing is promised to them.
      const entry = await decide(at % 2 === 0 ? home.approve() : fresh()).catch(() => -1)
      if (entry >= 0) answered.push(entry)
    })
    await new Promise((done) => setTimeout(done, randomInt(400)))
    gate.child.kill('SIGKILL')
    await gate.ended
    await Promise.all(asking)
    gate = await startOutside(home)
  }
  answered.push(await decide(home.approve()))
  const last = answered.at(-1) ?? -1
  await everywhere('all', (events) => entriesIn(events).includes(last))
  for (const [way, events] of ways()) {
    const told = entriesIn(distinct(events).filter(({ data }) => data.verdict !== undefined))
    assert.deepEqual(
      answered.filter((entry) => !told.includes(entry)),
      [],
      way,
    )
    assert.deepEqual(
      told,
      told.toSorted((a, b) => a - b),
      way,
    )
  }
})
