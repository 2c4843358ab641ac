import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { eventTypes, securityEventSchema, type EventName, type ExportedEvent } from '#api'
import { checkShape, encodeCanonical, parseJson, sha256Hex, type Json } from '#document'
import { hashLeaf } from '#merkle'
import { eventsOfEntry } from './entry-events.ts'

const none = { get: () => Promise.resolve(undefined) }
const notAsked = () => Promise.reject(new Error('not to be asked'))

async function told(
  entry: Uint8Array,
  bodies: { get(digest: string): Promise<Uint8Array | undefined> } = none,
  wants: (name: EventName) => boolean = () => true,
  entryAt: (index: number) => Promise<Uint8Array> = notAsked,
): Promise<readonly ExportedEvent[]> {
  const place = { origin: 'log.example/a', index: 7, bodies, wants, entryAt }
  const messages = await eventsOfEntry(entry, place)
  return messages.map(({ body, id, name, severity }) => {
    assert.ok(body.length <= 7600, `${body.length} bytes`)
    assert.match(Buffer.from(body).toString('latin1'), /^[\x20-\x7e]*$/)
    const what = 'an event'
    const event = checkShape(securityEventSchema, parseJson(body, { what }), { what })
    assert.deepEqual(
      [event.id, event.type, event.severity],
      [id, `dev.sallyport.${name}`, severity],
    )
    return event
  })
}

const bytesOf = (value: object): Uint8Array => encodeCanonical(value as Json)
const digest = 'ab'.repeat(32)

function decision(more: object = {}, name = 'shop') {
  return {
    apiVersion: 'sallyport.dev/v1',
    kind: 'Decision',
    time: '2026-06-01T12:00:00.000Z',
    request: {
      artifact: { name, digest: { sha256: digest } },
      target: { environment: 'production', service: 'shop' },
      chokePoint: 'admission',
      requester: 'jo',
      principal: 'kubernetes:jo',
    },
    policy: { name: 'shop-production', file: 'p.yaml', digest, mode: 'enforce' },
    inputs: { trust: { file: 'trust.yaml', digest } },
    rules: [],
    verdict: 'DENY',
    effect: 'blocked',
    reasons: [
      { code: 'APPROVAL_MISSING', where: 'require[0]', expected: 'e', found: 'SECRET', fix: 'f' },
    ],
    ...more,
  }
}

const grant = (problems: readonly object[]) => ({
  digest,
  source: 'annotation',
  requester: 'dave',
  approvers: ['erin'],
  incident: 'INC-1',
  problems,
})
const forged = [{ code: 'SIGNATURE_UNKNOWN_KEY', where: 'grant', expected: '', found: '', fix: '' }]

for (const [effect, verdict, name] of [
  ['admitted', 'ALLOW', 'decision.admitted'],
  ['blocked', 'DENY', 'decision.refused'],
  ['blocked', 'UNDETERMINED', 'decision.undetermined'],
  ['blocked', 'POLICY_ERROR', 'decision.policy-error'],
  ['admitted-audit', 'DENY', 'decision.admitted-audit'],
  ['admitted-unavailable', 'UNDETERMINED', 'decision.admitted-unavailable'],
  ['admitted-breakglass', 'DENY', 'breakglass.used'],
] as const)
  test(`${verdict} and ${effect} is told as ${name}, with what proves it`, async () => {
    const entry = bytesOf(decision({ effect, verdict }))
    const [event] = await told(entry)
    assert.equal(event?.type, `dev.sallyport.${name}`)
    assert.equal(event.severity, eventTypes[name].severity)
    const leaf = Buffer.from(hashLeaf(entry)).toString('hex')
    assert.deepEqual(event.data.proof, { log: 'log.example/a', entry: 7, leaf })
    assert.deepEqual(
      [
        event.subject,
        event.data.decision,
        event.data.policy?.digest,
        event.data.trust,
        event.source,
      ],
      [`sha256:${digest}`, sha256Hex(entry), digest, digest, '//log.example/a'],
    )
  })

test('of reasons code and place are told; what was found stands in the log, for who may read it', async () => {
  const [event] = await told(bytesOf(decision()))
  assert.deepEqual(event?.data.reasons, [{ code: 'APPROVAL_MISSING', where: 'require[0]' }])
  assert.ok(!JSON.stringify(event).includes('SECRET'))
})

test('a grant that does not count is an event of its own, beside the decision; one that counts is none', async () => {
  const breakglass = { wanted: [], grants: [grant(forged)] }
  const events = await told(bytesOf(decision({ breakglass })))
  assert.deepEqual(
    events.map(({ type }) => type),
    ['dev.sallyport.decision.refused', 'dev.sallyport.breakglass.grant-refused'],
  )
  assert.deepEqual(events[1]?.data.reasons, [{ code: 'SIGNATURE_UNKNOWN_KEY', where: 'grant' }])
  assert.notEqual(events[0]?.id, events[1]?.id)
  const used = { approvers: ['erin'], until: '2026-06-01T13:00:00Z', grants: [digest] }
  const [event, ...others] = await told(
    bytesOf(
      decision({
        effect: 'admitted-breakglass',
        breakglass: { wanted: [], grants: [grant([])], used },
      }),
    ),
  )
  assert.deepEqual([others, event?.data.breakglass?.incidents], [[], ['INC-1']])
})

test('the same entry is the same event, whoever tells it; another entry is another', async () => {
  const [one] = await told(bytesOf(decision()))
  const [two] = await told(bytesOf(decision()))
  assert.deepEqual(one, two)
  const more = { bodies: none, wants: () => true, entryAt: notAsked }
  const place = { origin: 'log.example/a', index: 8, ...more }
  const [other] = await eventsOfEntry(bytesOf(decision()), place)
  assert.notEqual(other?.id, one?.id)
})

test('a long decision is read from the body that its entry names; one that is missing is told, and passed', async () => {
  const body = bytesOf(decision())
  const sha256 = sha256Hex(body)
  const entry = bytesOf({
    apiVersion: 'sallyport.dev/v1',
    kind: 'DecisionReference',
    decision: { sha256, size: body.length },
  })
  const [event] = await told(entry, {
    get: (wanted) => Promise.resolve(wanted === sha256 ? body : undefined),
  })
  assert.deepEqual([event?.type, event?.data.decision], ['dev.sallyport.decision.refused', sha256])
  const [missing] = await told(entry)
  assert.equal(missing?.type, 'dev.sallyport.log.entry-unreadable')
  assert.equal(missing.data.proof?.entry, 7)
  const away = { get: () => Promise.reject(new Error('the database is away')) }
  await assert.rejects(told(entry, away), /away/, 'to be tried again, and not told as missing')
})

test('what has another shape than it should is told as that, and so is a kind of a later version', async () => {
  for (const bytes of [
    Buffer.from(''),
    Buffer.from('no JSON'),
    Buffer.from('[]'),
    Buffer.from('{"kind":"Decision"}'),
    Buffer.from('{"kind":"Refusal","asked":3}'),
    Buffer.from('{"kind":7}'),
  ])
    assert.deepEqual(
      (await told(bytes)).map(({ type }) => type),
      ['dev.sallyport.log.entry-unreadable'],
    )
  const [later] = await told(bytesOf({ kind: 'Later', time: '2026-06-01T12:00:00Z' }))
  assert.deepEqual(
    [later?.type, later?.time],
    ['dev.sallyport.log.recorded', '2026-06-01T12:00:00Z'],
  )
})

test('what is no time is told as none', async () => {
  for (const time of [
    '',
    'yesterday',
    '2026-06-01T12:00:00Z gate sallyport 1 x - {}',
    7,
    '2026-06-01T12:00:00Z\n',
  ])
    assert.equal((await told(bytesOf(decision({ time }))))[0]?.time.slice(0, 4), '1970')
})

test('refusals, reviews and deployments are told', async () => {
  const refusal = {
    kind: 'Refusal',
    time: '2026-06-01T12:00:00Z',
    chokePoint: 'admission',
    requester: 'jo',
    asked: { kind: '/Pod', name: 'p\n<14>1 forged' },
    reasons: [{ code: 'ADMISSION_TAG', where: 'spec', expected: '', found: '', fix: '' }],
  }
  const [one] = await told(bytesOf(refusal))
  assert.deepEqual([one?.type, one?.data.asked], ['dev.sallyport.request.refused', refusal.asked])
  const review = {
    kind: 'BreakglassReview',
    time: '2026-06-01T12:00:00Z',
    entry: 3,
    by: 'grace',
    finding: 'ok',
  }
  const [two] = await told(bytesOf(review))
  assert.deepEqual(two?.data.review, { entry: 3, by: 'grace', finding: 'ok' })
  const [named] = await told(bytesOf({ ...review, principal: 'os:grace' }))
  assert.deepEqual(named?.data.review, { ...two?.data.review, principal: 'os:grace' })
  const deployment = {
    kind: 'Deployment',
    time: '2026-06-01T12:00:00Z',
    chokePoint: 'gate',
    target: { environment: 'production', service: 'shop' },
    artifacts: [{ name: 'shop', sha256: digest, decision: 3 }],
    command: { program: 'kubectl', sha256: digest },
    exit: 1,
  }
  assert.equal((await told(bytesOf(deployment)))[0]?.type, 'dev.sallyport.deployment.failed')
  const [ended] = await told(bytesOf({ ...deployment, exit: 0 }))
  assert.deepEqual(
    [ended?.type, ended?.data.deployment?.decisions],
    ['dev.sallyport.deployment.ended', [3]],
  )
})

const head = {
  apiVersion: 'sallyport.dev/v1',
  time: '2026-06-01T12:00:00Z',
  engine: { name: 'sallyport', version: '0.1.0' },
}
const build = '0b7c08e0-f303-4f76-95b3-cc8b75c71715'
const trigger = { requester: 'github:jo', principal: 'oidc:https://token.example#repo:acme/shop' }
const source = { uri: 'git+https://git.example/acme/shop', commit: 'c'.repeat(40) }
const made = {
  artifacts: [{ name: 'shop.tgz', sha256: digest }],
  provenance: {
    sha256: 'cd'.repeat(32),
    statement: digest,
    builderId: 'https://builder.example/v1',
    keyid: 'k',
  },
}
const begun = bytesOf({
  ...head,
  kind: 'BuildBegun',
  build,
  trigger,
  request: {
    repository: source.uri,
    revision: 'main',
    recipe: 'sallyport.build.json',
    parameters: { target: 'release' },
    root: 'auto',
    reuse: true,
  },
})
const ended = (more: object) => bytesOf({ ...head, kind: 'BuildEnded', build, begun: 5, ...more })
const failed = { outcome: 'failed', problems: ['BUILD_STEP_FAILED', 'BUILD_OUTPUT'] }
const all = (): boolean => true

test('who asked for a build with which parameters is told, and what was settled', async () => {
  const [one] = await told(begun)
  assert.equal(one?.type, 'dev.sallyport.build.begun')
  const { requester, principal } = one.data
  assert.deepEqual({ requester, principal }, trigger)
  assert.deepEqual(one.data.build, {
    id: build,
    repository: source.uri,
    revision: 'main',
    recipe: 'sallyport.build.json',
    parameters: { target: 'release' },
  })
  const [two] = await told(
    bytesOf({
      ...head,
      kind: 'BuildDefined',
      build,
      begun: 5,
      source,
      buildType: 'https://t.example',
      externalParameters: {},
      definition: digest,
      inputs: [{ name: 'source', sha256: digest }],
      inputCount: 4,
    }),
  )
  assert.equal(two?.type, 'dev.sallyport.build.defined')
  assert.deepEqual(two.data.build, {
    id: build,
    repository: source.uri,
    commit: source.commit,
    definition: digest,
  })
})

test('how a build ended is told with who had asked for it, as the entry says with which it began', async () => {
  const at = (index: number) => {
    assert.equal(index, 5)
    return Promise.resolve(begun)
  }
  const [one] = await told(ended({ outcome: 'built', ...made }), none, all, at)
  assert.equal(one?.type, 'dev.sallyport.build.ended')
  assert.deepEqual([one.subject, one.data.principal], [`sha256:${digest}`, trigger.principal])
  assert.deepEqual(one.data.build, {
    id: build,
    outcome: 'built',
    artifacts: made.artifacts,
    builder: made.provenance.builderId,
    provenance: made.provenance.sha256,
  })
  const [two] = await told(ended(failed), none, all, at)
  assert.deepEqual(
    [two?.type, two?.severity, two?.data.principal, two?.data.build],
    [
      'dev.sallyport.build.failed',
      'warning',
      trigger.principal,
      { id: build, outcome: 'failed', problems: failed.problems },
    ],
  )
  // The beginning of another build, and no beginning at all: nobody is named who may not have asked.
  for (const other of [
    bytesOf({ ...head, kind: 'BuildBegun', build: 'another', trigger }),
    bytesOf({ ...head, kind: 'Refusal', build, trigger }),
    Buffer.from('no JSON'),
  ]) {
    const [event] = await told(ended(failed), none, all, () => Promise.resolve(other))
    assert.deepEqual([event?.data.requester, event?.data.principal], [undefined, undefined])
  }
  for (const begun of [7, -1, 0.5, '5'])
    assert.equal((await told(ended({ ...failed, begun })))[0]?.data.principal, undefined)
  // Nobody wants it: nothing is read for it.
  assert.deepEqual(await told(ended(failed), none, (name) => name === 'gate.started'), [])
})

test('a build that was recorded here is told with who has built it, and for whom', async () => {
  const place = (index: number) => ({ index, sha256: digest })
  const log = { origin: 'factory.example', begun: place(0), defined: place(1) }
  const recorded = { build, log, trigger, source, definition: digest, outcome: 'reused', ...made }
  const by = { requester: 'token:factory', principal: 'token:factory' }
  const [one] = await told(bytesOf({ ...head, kind: 'BuildRecord', ...by, recorded }))
  assert.equal(one?.type, 'dev.sallyport.build.recorded')
  assert.equal(one.data.principal, 'token:factory')
  assert.deepEqual(one.data.build?.trigger, trigger)
  assert.deepEqual([one.data.build?.log, one.data.build?.outcome], ['factory.example', 'reused'])
})

test('a review of grants is told with who has looked at which, and what other engines say with what they said', async () => {
  const grants = Array.from({ length: 12 }, (_, at) => ({ id: `token:${at}`, sha256: digest }))
  const review = { by: 'dana', principal: 'os:dana', finding: 'needed', grants }
  const [one] = await told(bytesOf({ ...head, kind: 'AccessReview', ...review }))
  assert.equal(one?.type, 'dev.sallyport.access.reviewed')
  assert.equal(one.data.principal, 'os:dana')
  assert.deepEqual(one.data.accessReview, {
    by: 'dana',
    finding: 'needed',
    grants: grants.slice(0, 10),
    grantsOmitted: 2,
  })
  const verdict = {
    ...head,
    kind: 'ExternalVerdict',
    chokePoint: 'workstation',
    requester: 'erin',
    by: { name: 'opa' },
    decision: { entry: 3, verdict: 'ALLOW', effect: 'admitted' },
    artifact: { name: 'shop', sha256: digest },
    target: { environment: 'production', service: 'shop' },
    verdict: 'deny',
    explanation: ['it is old'],
  }
  const [two] = await told(bytesOf(verdict))
  assert.equal(two?.type, 'dev.sallyport.verdict.recorded')
  assert.deepEqual(two.data.judged, { by: 'opa', verdict: 'deny', entry: 3 })
})

test('what something was let in without is told with the decision; the reason stands in the log', async () => {
  const exemption = { reason: 'SECRET', owner: 'erin', expires: 't', instead: 'MISSING' }
  const rules = [
    { id: 'require[0].built', rule: 'built', verdict: 'PASS' },
    { id: 'require[1].scanned', rule: 'scanned', verdict: 'EXEMPTED', exemption },
  ]
  const admitted = { effect: 'admitted', verdict: 'ALLOW', rules, reasons: [] }
  const [one] = await told(bytesOf(decision(admitted)))
  assert.equal(one?.type, 'dev.sallyport.decision.admitted')
  const { reason: _, ...shown } = exemption
  assert.deepEqual(one.data.exemptions, [{ rule: 'require[1].scanned', ...shown }])
  assert.ok(!JSON.stringify(one).includes('SECRET'))
  const [refused] = await told(bytesOf(decision({ rules })))
  assert.equal(refused?.data.exemptions, undefined)
})

test('what nobody wants is not made', async () => {
  const events = await told(bytesOf(decision()), none, (name) => name === 'breakglass.used')
  assert.deepEqual(events, [])
})

test('whatever names, reasons and grants there are: one event of one line, of the schema, and not too long', async () => {
  const text = fc.string({ unit: 'binary', maxLength: 3000 }).map((value) => value.toWellFormed())
  const problem = fc
    .record({ code: text, where: text })
    .map((one) => ({ ...one, expected: '', found: '', fix: '' }))
  const record = fc.record({
    name: text,
    requester: text,
    reasons: fc.array(problem, { maxLength: 40 }),
    names: fc.array(text, { maxLength: 20 }),
  })
  await fc.assert(
    fc.asyncProperty(record, async ({ name, requester, reasons, names }) => {
      const one = decision({ reasons }, name)
      const grants = names.map((incident) => ({
        ...grant(forged),
        requester,
        approvers: names,
        incident,
      }))
      const entry = bytesOf({
        ...one,
        request: { ...one.request, requester, principal: requester, chokePoint: name },
        breakglass: { wanted: [], grants },
      })
      const events = await told(entry)
      assert.equal(events.length, names.length === 0 ? 1 : 2)
      assert.equal(events[0]?.data.proof?.entry, 7)
    }),
    { numRuns: 60 },
  )
})

test('what does not fit into 7,600 bytes is left out, reasons first, and how many; the rest is whole', async () => {
  const long = 'ä'.repeat(2000)
  const reasons = Array.from({ length: 30 }, () => ({ code: long, where: long }))
  const one = decision(
    { reasons, policy: { name: long, file: 'f', digest, mode: 'enforce' } },
    long,
  )
  const request = { ...one.request, requester: long, principal: long, chokePoint: long }
  const [event] = await told(bytesOf({ ...one, request }))
  assert.ok(event !== undefined)
  const { data } = event
  const left = data.reasons?.length ?? 0
  assert.ok(left > 0 && left < 10, String(left))
  assert.equal(data.reasonsOmitted, 30 - left)
  assert.equal(data.proof?.entry, 7)
  assert.equal(data.artifact?.sha256, digest)
})

test('every name of an event fits into syslog, and every entry into the table', () => {
  for (const name of Object.keys(eventTypes)) assert.match(name, /^[!-~]{1,32}$/)
})
