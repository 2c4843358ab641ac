import { parseStatement, readBreakglass, readRiskAcceptance } from '#attestation'
import { parseEvent, parseRequest, reviewForm } from '#breakglass'
import { digestsIn, parseAuditEvent } from '../../../src/app/bypass/audit-event.ts'
import { judgeEvent } from '../../../src/app/bypass/judge-event.ts'
import type { Target } from '../target.ts'

const json = (value: unknown) => (): readonly Buffer[] => [Buffer.from(JSON.stringify(value))]
const time = '2026-06-01T00:00:00.000Z'
const sha256 = 'ab'.repeat(32)
const grant = {
  requester: 'dana',
  approver: 'erin',
  environment: 'production',
  service: 'shop',
  rules: ['require[0].built'],
  reason: 'checkout is down',
  incident: 'INC-7',
  notBefore: time,
  expires: '2026-06-01T01:00:00.000Z',
}
const statement = {
  _type: 'https://in-toto.io/Statement/v1',
  subject: [{ name: 'shop', digest: { sha256 } }],
  predicateType: 'https://sallyport.dev/attestation/breakglass/v1',
  predicate: grant,
}
const { approver, environment, service, reason } = grant
const acceptance = {
  ...statement,
  predicateType: 'https://sallyport.dev/attestation/risk-acceptance/v1',
  predicate: {
    approver,
    owner: 'team-shop',
    environment,
    service,
    reason,
    acceptedOn: time,
    expires: '2026-07-01T00:00:00.000Z',
  },
}
const auditEvent = {
  kind: 'Event',
  apiVersion: 'audit.k8s.io/v1',
  auditID: 'one',
  stage: 'ResponseComplete',
  requestURI: '/api/v1/namespaces/shop/pods?fieldManager=kubectl&dryRun=All',
  verb: 'create',
  user: { username: 'system:node:one', groups: ['system:nodes'] },
  objectRef: { resource: 'pods', namespace: 'shop', name: 'fix', apiVersion: 'v1' },
  responseStatus: { code: 201 },
  requestReceivedTimestamp: '2026-06-01T00:00:00.000000Z',
  annotations: {
    'gate.sallyport.dev/effects': 'admitted,admitted',
    'gate.sallyport.dev/entries': '7,spooled',
  },
  requestObject: {
    apiVersion: 'v1',
    kind: 'Pod',
    spec: { containers: [{ name: 'main', image: `registry.example/shop@sha256:${sha256}` }] },
  },
}
const head = { apiVersion: 'sallyport.dev/v1' }
const request = {
  ...head,
  kind: 'BreakglassRequest',
  artifact: { name: 'shop', sha256 },
  environment: 'production',
  service: 'shop',
  requester: 'dana',
  requestedOn: time,
  seconds: 3600,
  rules: ['require[0].built'],
  reason: 'checkout is down',
  incident: 'INC-7',
  otherwise: { verdict: 'DENY', reasons: ['PROVENANCE_MISSING'] },
}
const review = { ...head, kind: 'BreakglassReview', time, entry: 7, by: 'frank', finding: 'right' }
const event = {
  ...head,
  kind: 'SecurityEvent',
  id: 'ab'.repeat(16),
  time,
  type: 'breakglass-used',
  severity: 'critical',
  origin: 'gate.example/log',
  summary: 'somebody broke the glass',
}

/** What people send each other in an emergency, and what is kept of it. */
export const breakglassTargets: readonly Target[] = [
  {
    name: 'attestation.readBreakglass',
    covers: ['#attestation.readBreakglass'],
    form: 'json',
    seeds: json(statement),
    run: (input) => readBreakglass(parseStatement(input)),
  },
  {
    name: 'attestation.readRiskAcceptance',
    covers: ['#attestation.readRiskAcceptance'],
    form: 'json',
    seeds: json(acceptance),
    run: (input) => readRiskAcceptance(parseStatement(input)),
  },
  {
    name: 'bypass.parseAuditEvent',
    covers: [],
    form: 'json',
    seeds: json(auditEvent),
    run: (input) => {
      const found = parseAuditEvent(input)
      if (found === undefined) return undefined
      const webhooks = ['gate.sallyport.dev']
      const parts = { webhooks, configurations: ['sallyport'], ownNamespace: 'sallyport-system' }
      const nothing = { recorded: () => Promise.resolve(undefined), all: () => Promise.resolve([]) }
      digestsIn(found)
      return judgeEvent(found, { ...parts, ...nothing, byHand: [], taken: new Map() })
    },
  },
  {
    name: 'breakglass.parseRequest',
    covers: ['#breakglass.parseRequest'],
    form: 'json',
    seeds: json(request),
    run: (input) => parseRequest(input, 'request.json'),
  },
  {
    name: 'breakglass.reviewForm',
    covers: ['#breakglass.reviewForm.parse'],
    form: 'json',
    seeds: json(review),
    run: (input) => reviewForm.parse(input),
  },
  {
    name: 'breakglass.parseEvent',
    covers: ['#breakglass.parseEvent'],
    form: 'json',
    seeds: json(event),
    run: (input) => parseEvent(input),
  },
]
