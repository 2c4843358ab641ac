import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { load } from 'js-yaml'
import {
  gateWebhooks,
  inspectWebhooks,
  leftOut,
  leftOutInPart,
  webhooksSchema,
  type Webhook,
} from './webhooks.ts'

const operations = ['CREATE', 'UPDATE']
const rules = [
  {
    apiGroups: [''],
    apiVersions: ['*'],
    operations,
    resources: [
      'pods',
      'pods/ephemeralcontainers',
      'pods/status',
      'podtemplates',
      'replicationcontrollers',
    ],
  },
  {
    apiGroups: ['apps'],
    apiVersions: ['*'],
    operations,
    resources: ['deployments', 'replicasets', 'statefulsets', 'daemonsets', 'controllerrevisions'],
  },
  { apiGroups: ['batch'], apiVersions: ['*'], operations, resources: ['jobs', 'cronjobs'] },
]
const whole = { apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*/*'] }

function webhooksOf(more: object) {
  const clientConfig = { service: { path: '/admission/validate' } }
  const webhooks = [{ name: 'gate', clientConfig, rules, ...more }]
  return gateWebhooks(
    webhooksSchema.parse({ items: [{ metadata: { name: 'sallyport' }, webhooks }] }),
  )
}

function waysOf(more: object): readonly string[] {
  return inspectWebhooks(webhooksOf(more)).map(({ way }) => way)
}

test('a webhook as deploy/kubernetes has it leaves no way open', () => {
  assert.deepEqual(waysOf({}), [])
  assert.deepEqual(waysOf({ rules: [whole] }), [])
})

test('the webhooks of deploy/kubernetes leave no way open; with another condition, or as the only one, they do', () => {
  const file = join(import.meta.dirname, '../../../deploy/kubernetes/webhook/validating.yaml')
  const found = gateWebhooks(webhooksSchema.parse({ items: [load(readFileSync(file, 'utf8'))] }))
  assert.deepEqual(inspectWebhooks(found), [])
  const [main, status, revisions] = found
  assert.ok(main !== undefined && status !== undefined && revisions !== undefined)
  const never = { ...status, matchConditions: [{ name: 'never', expression: 'false' }] }
  const ways = (...webhooks: readonly Webhook[]): readonly string[] =>
    inspectWebhooks(webhooks).map(({ way }) => way)
  assert.deepEqual(ways(main, revisions), ['rules: pods/status'])
  assert.deepEqual(ways(main, status), ['rules: apps/controllerrevisions'])
  assert.deepEqual(ways(main, never, revisions), ['matchConditions'])
  for (const { matchConditions } of [status, revisions]) {
    assert.deepEqual(ways({ ...main, matchConditions }, status, revisions), ['matchConditions'])
  }
  const swapped = { ...revisions, matchConditions: status.matchConditions }
  assert.deepEqual(ways(main, status, swapped), ['matchConditions'])
  const shop = { name: 'shop', labels: {} }
  const others = leftOut([status, revisions], [shop])
  assert.deepEqual([others, leftOut(found, [shop])], [[shop], []])
})

test('a webhook that calls somebody else is not the gate', () => {
  const clientConfig = { url: 'https://other.example/validate' }
  assert.deepEqual(webhooksOf({ clientConfig }), [])
  assert.deepEqual(waysOf({ clientConfig }), ['no webhook'])
  assert.deepEqual(waysOf({ clientConfig: { url: 'https://g.example/admission/validate' } }), [])
})

test('each way in which a webhook is weakened is named', () => {
  assert.deepEqual(waysOf({ failurePolicy: 'Ignore' }), ['failurePolicy'])
  assert.deepEqual(waysOf({ matchPolicy: 'Exact' }), ['other API versions'])
  const matchConditions = [{ name: 'x', expression: 'false' }]
  assert.deepEqual(waysOf({ matchConditions }), ['matchConditions'])
  assert.deepEqual(waysOf({ objectSelector: { matchLabels: { gate: 'on' } } }), ['objectSelector'])
  const matchExpressions = [{ key: 'gate', operator: 'Exists' }]
  assert.deepEqual(waysOf({ namespaceSelector: { matchExpressions } }), ['labels of namespaces'])
})

test('every resource and operation that no rule names is one', () => {
  assert.equal(waysOf({ rules: [] }).length, 12)
  const [core, apps, batch] = rules
  assert.deepEqual(waysOf({ rules: [core, apps] }), ['rules: batch/jobs', 'rules: batch/cronjobs'])
  const noDebug = { ...core, resources: ['*'] }
  assert.deepEqual(waysOf({ rules: [noDebug, apps, batch] }), [
    'rules: pods/ephemeralcontainers',
    'rules: pods/status',
  ])
  assert.deepEqual(waysOf({ rules: [{ ...whole, operations: ['CREATE'] }] }).length, 11)
  assert.deepEqual(waysOf({ rules: [{ ...whole, scope: 'Cluster' }] }).length, 12)
  assert.deepEqual(waysOf({ rules: [{ ...whole, resources: ['pods/*'] }] }).length, 10)
})

test('namespaces that the selector leaves out are found as Kubernetes evaluates it', () => {
  const named = (name: string) => ({
    name,
    labels: { 'kubernetes.io/metadata.name': name, a: 'b' },
  })
  const all = [named('one'), named('two')]
  const out = (namespaceSelector: object): readonly string[] =>
    leftOut(webhooksOf({ namespaceSelector }), all).map(({ name }) => name)
  const key = 'kubernetes.io/metadata.name'
  const expression = (operator: string, values: readonly string[] = [], on = key) => ({
    matchExpressions: [{ key: on, operator, values }],
  })
  assert.deepEqual(out({}), [])
  assert.deepEqual(out(expression('NotIn', ['one'])), ['one'])
  assert.deepEqual(out(expression('In', ['one'])), ['two'])
  assert.deepEqual(out(expression('Exists')), [])
  assert.deepEqual(out(expression('DoesNotExist')), ['one', 'two'])
  assert.deepEqual(out(expression('NotIn', ['x'], 'absent')), [])
  assert.deepEqual(out({ matchLabels: { a: 'c' } }), ['one', 'two'])
  // What we do not understand selects nobody: better one namespace too many in the report.
  assert.deepEqual(out(expression('Near', ['one'])), ['one', 'two'])
})

test('what only some webhooks ask about is found where those do not', () => {
  const file = join(import.meta.dirname, '../../../deploy/kubernetes/webhook/validating.yaml')
  const found = gateWebhooks(webhooksSchema.parse({ items: [load(readFileSync(file, 'utf8'))] }))
  const [main, status, revisions] = found
  assert.ok(main !== undefined && status !== undefined && revisions !== undefined)
  const key = 'kubernetes.io/metadata.name'
  const all = ['one', 'two', 'three'].map((name) => ({ name, labels: { [key]: name } }))
  const matchExpressions = [{ key, operator: 'NotIn', values: ['two', 'three'] }]
  const namespaceSelector = { matchLabels: {}, matchExpressions }
  const ways = (...webhooks: readonly Webhook[]): readonly string[] =>
    leftOutInPart(webhooks, all).map(({ way }) => way)
  assert.deepEqual(ways(...found), [])
  assert.deepEqual(ways(main, { ...status, namespaceSelector }, revisions), [
    'rules: pods/status in two, three',
  ])
  // What nobody asks about anywhere is told once, by how the webhooks are registered.
  assert.deepEqual(ways(main), [])
})
