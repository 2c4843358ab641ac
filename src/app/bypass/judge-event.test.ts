import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAuditEvent } from './audit-event.ts'
import { judgeEvent, type JudgeParts, type RecordedAdmission } from './judge-event.ts'

const digest = 'a'.repeat(64)
const time = '2026-06-01T12:00:00.000000Z'
const admission: RecordedAdmission = {
  time: '2026-06-01T12:00:00.100Z',
  chokePoint: 'admission',
  effect: 'admitted-breakglass',
  requester: 'jo',
  sha256: digest,
}
const gate = (effects: string, entries = '7') => ({
  'gate.sallyport.dev/effects': effects,
  'gate.sallyport.dev/entries': entries,
})
const podOf = (image: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  spec: { containers: [{ name: 'main', image }] },
})

function eventOf(more: object = {}) {
  return {
    apiVersion: 'audit.k8s.io/v1',
    kind: 'Event',
    auditID: 'one',
    stage: 'ResponseComplete',
    requestURI: '/api/v1/namespaces/shop/pods',
    verb: 'create',
    user: { username: 'jo', groups: ['developers'] },
    objectRef: { resource: 'pods', namespace: 'shop', name: 'fix', apiVersion: 'v1' },
    responseStatus: { code: 201 },
    requestReceivedTimestamp: time,
    ...more,
  }
}

async function judged(more: object = {}, parts: Partial<JudgeParts> = {}): Promise<string> {
  const event = parseAuditEvent(Buffer.from(JSON.stringify(eventOf(more))))
  if (event === undefined) return 'not over'
  const found = await judgeEvent(event, {
    webhooks: ['gate.sallyport.dev'],
    configurations: ['sallyport'],
    ownNamespace: 'sallyport-system',
    recorded: (entry) => Promise.resolve(entry === 7 ? admission : undefined),
    all: () => Promise.resolve([]),
    byHand: [],
    taken: new Map(),
    ...parts,
  })
  return found.outcome === 'finding' ? found.problem.code : found.outcome
}

const used = { annotations: gate('admitted-breakglass') }

test('a deployment with its decision in the log is matched; without the gate it is a finding', async () => {
  assert.equal(await judged(used), 'matched')
  assert.equal(await judged(), 'BYPASS_UNGUARDED')
  assert.equal(
    await judged({ annotations: { 'other.example/effects': 'admitted' } }),
    'BYPASS_UNGUARDED',
  )
  for (const resource of ['deployments', 'daemonsets'])
    assert.equal(
      await judged({ objectRef: { resource, apiGroup: 'apps', name: 'x', namespace: 'shop' } }),
      'BYPASS_UNGUARDED',
    )
  const debug = {
    resource: 'pods',
    subresource: 'ephemeralcontainers',
    namespace: 'shop',
    name: 'x',
  }
  assert.equal(
    await judged({ verb: 'patch', objectRef: debug, responseStatus: { code: 200 } }),
    'BYPASS_UNGUARDED',
  )
})

test('what deploys nothing, or was refused, or only tried is none', async () => {
  for (const more of [
    { responseStatus: { code: 403 } },
    { requestURI: '/api/v1/namespaces/shop/pods?dryRun=All' },
    { verb: 'delete' },
    { verb: 'patch', objectRef: { resource: 'pods', subresource: 'status', namespace: 'shop' } },
    { objectRef: { resource: 'configmaps', namespace: 'shop' } },
    {
      verb: 'patch',
      annotations: { 'gate.sallyport.dev/undecided': 'images, target and grants are as they were' },
    },
  ])
    assert.equal(await judged(more), 'nothing', JSON.stringify(more))
  assert.equal(await judged({ stage: 'RequestReceived' }), 'not over')
})

test('nobody makes a deployment look like a try', async () => {
  for (const query of [
    'fieldManager=x?dryRun=All',
    'dryRun=',
    'dryRun=None',
    'x=&dryRun=All;',
    'fieldManager=a%26dryRun=All',
    'dryRun',
    'dryRun=%',
    'DryRun=All',
  ])
    assert.equal(
      await judged({ requestURI: `/api/v1/namespaces/shop/pods?${query}` }),
      'BYPASS_UNGUARDED',
      query,
    )
  assert.equal(await judged({ requestURI: '/api/v1/pods?fieldManager=x&dryRun=%41ll' }), 'nothing')
})

test('an annotation that no decision of the log stands behind is a finding', async () => {
  const recorded = (more: Partial<RecordedAdmission>) => ({
    recorded: () => Promise.resolve({ ...admission, ...more }),
  })
  assert.equal(await judged({ annotations: gate('admitted-breakglass', '8') }), 'BYPASS_UNRECORDED')
  assert.equal(await judged({ annotations: gate('admitted') }), 'BYPASS_UNRECORDED')
  assert.equal(
    await judged({ annotations: { 'gate.sallyport.dev/effects': 'admitted' } }),
    'BYPASS_UNRECORDED',
  )
  assert.equal(await judged({ annotations: gate('admitted', '7,x') }), 'BYPASS_UNRECORDED')
  for (const entries of ['7,x', '', '7,7', '-7'])
    assert.equal(
      await judged({ annotations: gate('admitted-breakglass', entries) }),
      'BYPASS_UNRECORDED',
    )
  assert.equal(await judged(used, recorded({ effect: 'blocked' })), 'BYPASS_UNRECORDED')
  assert.equal(await judged(used, recorded({ requester: 'mallory' })), 'BYPASS_UNRECORDED')
  assert.equal(await judged(used, recorded({ requester: 'unauthenticated:jo' })), 'matched')
  assert.equal(await judged(used, recorded({ chokePoint: 'cli' })), 'BYPASS_UNRECORDED')
  assert.equal(await judged(used, recorded({ time: '2026-06-01T13:00:00Z' })), 'BYPASS_UNRECORDED')
  const taken = new Map([[7, 'another']])
  assert.equal(
    await judged(used, { taken }),
    'BYPASS_UNRECORDED',
    'one decision lets in one request',
  )
  const nothing = { 'gate.sallyport.dev/undecided': 'there is no image' }
  assert.equal(await judged({ annotations: nothing }), 'BYPASS_UNRECORDED', 'pods have images')
  const other = { requestObject: podOf(`r.example/x@sha256:${'b'.repeat(64)}`) }
  assert.equal(await judged({ ...used, ...other }), 'BYPASS_UNRECORDED', 'of other bytes')
  assert.equal(
    await judged({ ...used, requestObject: podOf(`r.example/x@sha256:${digest}`) }),
    'matched',
  )
})

test('whoever acts as somebody else is held against what admission was told', async () => {
  const asJo = { user: { username: 'admin', groups: [] }, impersonatedUser: { username: 'jo' } }
  assert.equal(await judged({ ...used, ...asJo }), 'matched')
  const asOther = { impersonatedUser: { username: 'other', groups: ['system:nodes'] } }
  assert.equal(await judged({ ...used, ...asOther }), 'BYPASS_UNRECORDED')
  assert.equal(await judged({ ...asOther, responseStatus: { code: 403 } }), 'nothing')
  const event = parseAuditEvent(Buffer.from(JSON.stringify(eventOf(asJo))))
  assert.deepEqual([event?.user, event?.impersonator], ['jo', 'admin'])
})

test('a decision that waited in the spool is found by whom, when and what, once', async () => {
  const spooled = { annotations: gate('admitted-breakglass', 'spooled') }
  const all = () => Promise.resolve([{ ...admission, entry: 9 }])
  const taken = new Map<number, string>()
  assert.equal(await judged(spooled), 'BYPASS_UNRECORDED', 'it is not in the log yet')
  const other = { requestObject: podOf(`r.example/x@sha256:${'b'.repeat(64)}`) }
  assert.equal(await judged({ ...spooled, ...other }, { all, taken }), 'BYPASS_UNRECORDED')
  const user = { username: 'mallory' }
  assert.equal(await judged({ ...spooled, user }, { all, taken }), 'BYPASS_UNRECORDED')
  assert.equal(await judged(spooled, { all, taken }), 'matched')
  assert.equal(await judged(spooled, { all, taken }), 'BYPASS_UNRECORDED', 'once')
  const mixed = { annotations: gate('admitted-breakglass,admitted-breakglass', '7,spooled') }
  assert.equal(await judged(mixed, { all }), 'matched')
})

test('what was let in by hand belongs to its use of breakglass, by its bytes and its time', async () => {
  const byHand = [{ sha256: digest, from: '2026-06-01T11:50:00Z', until: '2026-06-01T13:00:00Z' }]
  const object = { requestObject: podOf(`r.example/x@sha256:${digest}`) }
  assert.equal(await judged(object, { byHand }), 'matched')
  assert.equal(
    await judged({}, { byHand }),
    'BYPASS_UNGUARDED',
    'the log does not tell what it was',
  )
  const late = { ...object, requestReceivedTimestamp: '2026-06-01T13:00:01Z' }
  assert.equal(await judged(late, { byHand }), 'BYPASS_UNGUARDED')
  const both = {
    containers: [digest, 'b'.repeat(64)].map((hex) => ({ image: `r.example/x@sha256:${hex}` })),
  }
  assert.equal(
    await judged({ requestObject: { ...podOf(''), spec: both } }, { byHand }),
    'BYPASS_UNGUARDED',
  )
  const tagged = { requestObject: podOf('r.example/x:1.0') }
  assert.equal(await judged(tagged, { byHand }), 'BYPASS_UNGUARDED')
})

test('a gate that was passed over because it did not answer is a finding of its own', async () => {
  const key = 'failed-open.validating.webhook.admission.k8s.io/round_0_index_0'
  assert.equal(await judged({ annotations: { [key]: 'gate.sallyport.dev' } }), 'BYPASS_FAILED_OPEN')
  assert.equal(
    await judged({ annotations: { ...used.annotations, [key]: 'other.example' } }),
    'matched',
  )
})

test('changes of what guards, and the end of the gate, are findings', async () => {
  const guard = (name: string) => ({
    objectRef: {
      apiGroup: 'admissionregistration.k8s.io',
      resource: 'validatingwebhookconfigurations',
      name,
    },
  })
  for (const verb of ['create', 'patch', 'update', 'delete', 'deletecollection'])
    assert.equal(await judged({ verb, ...guard('sallyport') }), 'BYPASS_GUARD_CHANGED')
  assert.equal(await judged({ verb: 'deletecollection', ...guard('') }), 'BYPASS_GUARD_CHANGED')
  assert.equal(await judged({ verb: 'patch', ...guard('other') }), 'nothing')
  assert.equal(await judged({ verb: 'get', ...guard('sallyport') }), 'nothing')
  const deployment = {
    apiGroup: 'apps',
    resource: 'deployments',
    namespace: 'sallyport-system',
    name: 'sallyport',
  }
  assert.equal(await judged({ verb: 'delete', objectRef: deployment }), 'BYPASS_GUARD_CHANGED')
  assert.equal(
    await judged({
      verb: 'delete',
      objectRef: { resource: 'namespaces', name: 'sallyport-system' },
    }),
    'BYPASS_GUARD_CHANGED',
  )
  assert.equal(
    await judged({ objectRef: { resource: 'pods', namespace: 'sallyport-system', name: 'x' } }),
    'own',
  )
})

test('a static pod that the gate refuses runs all the same', async () => {
  const node = { username: 'system:node:one', groups: ['system:nodes'] }
  assert.equal(await judged({ user: node, responseStatus: { code: 403 } }), 'BYPASS_STATIC_POD')
  assert.equal(await judged({ user: node }), 'BYPASS_UNGUARDED')
})

test('nonsense is no event', () => {
  const long = JSON.stringify(eventOf({ auditID: 'x'.repeat(1000) }))
  for (const text of [
    '',
    '{}',
    '[]',
    'null',
    '{"kind":"Event","kind":"Event"}',
    '\u0000',
    long,
    '['.repeat(2000),
  ])
    assert.throws(
      () => parseAuditEvent(Buffer.from(text)),
      { name: 'SallyportError' },
      text.slice(0, 50),
    )
  const odd = eventOf({
    requestObject: { kind: 'Pod', apiVersion: 'v1', spec: { containers: { image: 3 } } },
  })
  assert.ok(parseAuditEvent(Buffer.from(JSON.stringify(odd))))
})
