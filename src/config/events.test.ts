import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { eventKinds, eventSeverities, securityEventSchema } from '#api'
import { checkShape, parseJson, parseYaml } from '#document'
import { eventsOf, eventsSchema } from './events.ts'

const read = (sink: object) => eventsSchema.safeParse({ sinks: [{ name: 'siem', ...sink }] })
const tls = { host: 'siem.example' }

test('left out, nothing leaves; a sink that says no more hears everything from notice on', () => {
  assert.deepEqual(eventsOf('/home', eventsSchema.parse({})), {
    folder: '/home/events',
    maxWaiting: 10_000,
    warnAfterMs: 300_000,
    sinks: [],
  })
  const { data } = read({ syslog: { ...tls, ca: 'ca.pem' } })
  assert.ok(data !== undefined)
  assert.deepEqual(eventsOf('/home', data).sinks, [
    {
      name: 'siem',
      kinds: [...eventKinds],
      minimumSeverity: 'notice',
      syslog: { ...tls, protocol: 'tls', ca: '/home/ca.pem' },
    },
  ])
})

test('kinds and severities are those of the contract', () => {
  const { data } = read({ kinds: [...eventKinds], file: { path: 'a' } })
  assert.equal(data?.sinks[0]?.kinds.length, eventKinds.length)
  for (const minimumSeverity of eventSeverities)
    assert.equal(read({ minimumSeverity, file: { path: 'a' } }).success, true)
})

for (const [what, sink] of [
  ['two ways in one sink', { file: { path: 'a' }, syslog: tls }],
  ['no way at all', {}],
  ['a field that nobody knows', { file: { path: 'a', mode: '0666' } }],
  ['syslog over UDP', { syslog: { ...tls, protocol: 'udp' } }],
  ['a certificate without its key', { syslog: { ...tls, certificate: 'c.pem' } }],
  ['an authority where no TLS is spoken', { syslog: { ...tls, protocol: 'tcp', ca: 'ca.pem' } }],
  ['a webhook in the clear', { webhook: { url: 'http://siem.example/' } }],
  ['a password in an address', { webhook: { url: 'https://u:p@siem.example/' } }],
  ['a batch of nothing', { webhook: { url: 'https://siem.example/', batch: 0 } }],
  ['a kind that nobody knows', { kinds: ['all'], file: { path: 'a' } }],
  ['a name that is no name', { name: '../x', file: { path: 'a' } }],
] as const)
  test(`refused: ${what}`, () => {
    assert.equal(read(sink).success, false)
  })

test('two sinks of one name are refused: how far each has come is remembered by it', () => {
  const one = { name: 'siem', file: { path: 'a' } }
  assert.equal(eventsSchema.safeParse({ sinks: [one, one] }).success, false)
})

test('what docs/events.md shows is configuration that is read, and an event of the schema', () => {
  const page = readFileSync('docs/events.md', 'utf8')
  const [, yaml = ''] = /```yaml\n(events:[^]*?)```/.exec(page) ?? []
  const { events } = parseYaml(Buffer.from(yaml), { file: 'docs/events.md' }).value as {
    events: { sinks: object[] }
  }
  assert.equal(eventsSchema.parse(events).sinks.length, 4)
  const [, json = ''] = /```json\n([^]*?)```/.exec(page) ?? []
  const what = 'docs/events.md'
  const event = checkShape(securityEventSchema, parseJson(Buffer.from(json), { what }), { what })
  assert.equal(event.data.proof?.entry, 4711)
})
