import { z } from 'zod'
import { conditions, ephemeral, podBearing, podStatus, revision } from './kinds.ts'

// What an API server says about its webhooks: members that are not read here are not looked at.
const text = z.string().max(10_000)
const texts = z.array(text).default([])
const selectorSchema = z
  .looseObject({
    matchLabels: z.record(text, text).default({}),
    matchExpressions: z
      .array(z.looseObject({ key: text, operator: text, values: texts }))
      .default([]),
  })
  .prefault({})
const webhookSchema = z.looseObject({
  name: text,
  clientConfig: z.looseObject({
    url: text.optional(),
    service: z.looseObject({ path: text.optional() }).optional(),
  }),
  failurePolicy: text.default('Fail'),
  matchPolicy: text.default('Equivalent'),
  namespaceSelector: selectorSchema,
  objectSelector: selectorSchema,
  matchConditions: z.array(z.looseObject({ name: text, expression: text })).default([]),
  rules: z
    .array(
      z.looseObject({
        apiGroups: texts,
        apiVersions: texts,
        operations: texts,
        resources: texts,
        scope: text.default('*'),
      }),
    )
    .default([]),
})
export const webhooksSchema = z.looseObject({
  items: z
    .array(
      z.looseObject({
        metadata: z.looseObject({ name: text }),
        webhooks: z.array(webhookSchema).default([]),
      }),
    )
    .nullish(),
})

export type Webhook = z.output<typeof webhookSchema> & { readonly configuration: string }
type Selector = z.output<typeof selectorSchema>
type Rule = Webhook['rules'][number]

export interface Namespace {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}

/** A way around the gate, and what to change so that it is none. */
export interface Finding {
  readonly way: string
  readonly found: string
  readonly fix: string
}

/** Webhooks that ask a gate, by the address they call. */
export function gateWebhooks({ items }: z.output<typeof webhooksSchema>): readonly Webhook[] {
  return (items ?? []).flatMap(({ metadata, webhooks }) =>
    webhooks
      .filter(({ clientConfig: { url, service } }) =>
        (service?.path ?? URL.parse(url ?? '')?.pathname ?? '').endsWith('/admission/validate'),
      )
      .map((webhook) => ({ ...webhook, configuration: metadata.name })),
  )
}

/** What can be seen from how the webhooks are registered. */
export function inspectWebhooks(webhooks: readonly Webhook[]): readonly Finding[] {
  if (webhooks.length === 0) {
    return [
      {
        way: 'no webhook',
        found: 'no ValidatingWebhookConfiguration calls /admission/validate of a gate',
        fix: 'Apply deploy/kubernetes/webhook',
      },
    ]
  }
  return [...webhooks.flatMap(ofOne), ...uncovered(webhooks)]
}

function ofOne(webhook: Webhook): readonly Finding[] {
  const { failurePolicy, matchPolicy, objectSelector, namespaceSelector } = webhook
  const place = `ValidatingWebhookConfiguration ${webhook.configuration}, webhook ${webhook.name}`
  const fixed = (way: string, found: string, change: string): Finding => ({
    way,
    found,
    fix: `${change} in ${place}`,
  })
  const conditions = narrowing(webhook).map(({ name, expression }) => `${name}: ${expression}`)
  const labels = keysOf(namespaceSelector).filter((key) => key !== 'kubernetes.io/metadata.name')
  return [
    ...(failurePolicy === 'Fail'
      ? []
      : [
          fixed(
            'failurePolicy',
            `${failurePolicy}: whoever makes the gate slow or unreachable gets in`,
            'Set failurePolicy: Fail',
          ),
        ]),
    ...(matchPolicy === 'Equivalent'
      ? []
      : [
          fixed(
            'other API versions',
            `matchPolicy ${matchPolicy}: a version that no rule names is not asked about`,
            'Set matchPolicy: Equivalent',
          ),
        ]),
    ...(conditions.length === 0
      ? []
      : [
          fixed(
            'matchConditions',
            `only what fulfils ${conditions.join('; ')} is asked about`,
            'Remove matchConditions',
          ),
        ]),
    ...(keysOf(objectSelector).length === 0
      ? []
      : [
          fixed(
            'objectSelector',
            `whoever sets or leaves out the label ${keysOf(objectSelector).join(', ')} is not asked about`,
            'Remove objectSelector',
          ),
        ]),
    ...(labels.length === 0
      ? []
      : [
          fixed(
            'labels of namespaces',
            `whoever may label a namespace with ${labels.join(', ')} takes it out`,
            'Select namespaces by kubernetes.io/metadata.name only',
          ),
        ]),
  ]
}

/** The condition of a webhook that is there for one resource, which is asked about only when it has to be. */
function ownCondition({ rules }: Webhook): string | undefined {
  const [resource, ...others] = new Set(rules.flatMap(({ resources }) => resources))
  return resource === undefined || others.length > 0 ? undefined : conditions.get(resource)
}

/** Conditions that take something out that has to be asked about. */
function narrowing(webhook: Webhook): Webhook['matchConditions'] {
  const own = ownCondition(webhook)
  return webhook.matchConditions.filter(({ expression }) => expression.trim() !== own)
}

function keysOf({ matchLabels, matchExpressions }: Selector): readonly string[] {
  return [...Object.keys(matchLabels), ...matchExpressions.map(({ key }) => key)]
}

const operations = ['CREATE', 'UPDATE'] as const
const subresources: readonly string[] = [ephemeral, podStatus]

function uncovered(webhooks: readonly Webhook[]): readonly Finding[] {
  const rules = webhooks.flatMap((webhook) => webhook.rules)
  const others = subresources.map((resource) => ({ group: '', resource }))
  const wanted = [...podBearing, revision, ...others]
  return wanted.flatMap(({ group, resource }) => {
    const asked = operationsOn(resource)
    const missing = asked.filter((one) => !rules.some((rule) => covers(rule, group, resource, one)))
    if (missing.length === 0) return []
    const name = group === '' ? resource : `${group}/${resource}`
    return [
      {
        way: `rules: ${name}`,
        found: `${missing.join(' and ')} of ${name} is not asked about`,
        fix: conditions.has(resource)
          ? 'Apply deploy/kubernetes/webhook again: a webhook of its own asks about it, and only when it has to'
          : `Add ${resource} of the group "${group}" with ${missing.join(' and ')} to the rules of the webhook, as in deploy/kubernetes/webhook`,
      },
    ]
  })
}

function operationsOn(resource: string): readonly (typeof operations)[number][] {
  // They only ever come by changing a pod.
  if (subresources.includes(resource)) return ['UPDATE']
  // What is in one never changes.
  return resource === revision.resource ? ['CREATE'] : operations
}

function covers(rule: Rule, group: string, resource: string, operation: string): boolean {
  const has = (list: readonly string[], value: string): boolean =>
    list.includes('*') || list.includes(value)
  return (
    has(rule.apiGroups, group) &&
    has(rule.operations, operation) &&
    rule.scope !== 'Cluster' &&
    rule.resources.some((pattern) => matches(pattern, resource))
  )
}

/** `*` is every resource and no subresource, `*` + `/` + `*` everything, `pods/*` every subresource of pods. */
function matches(pattern: string, resource: string): boolean {
  const [name, sub] = resource.split('/')
  const [wantedName, wantedSub] = pattern.split('/')
  if (wantedName !== '*' && wantedName !== name) return false
  if (wantedSub === '*') return wantedName === '*' || sub !== undefined
  return wantedSub === sub
}

/** Namespaces that no webhook asks about. */
export function leftOut(
  webhooks: readonly Webhook[],
  namespaces: readonly Namespace[],
): readonly Namespace[] {
  const asked = webhooks.filter((webhook) => ownCondition(webhook) === undefined)
  return namespaces.filter(
    ({ labels }) => !asked.some(({ namespaceSelector }) => selects(namespaceSelector, labels)),
  )
}

/** What is asked about elsewhere, and not in these namespaces: several webhooks may select different ones. */
export function leftOutInPart(
  webhooks: readonly Webhook[],
  namespaces: readonly Namespace[],
): readonly Finding[] {
  const nowhere = uncovered(webhooks).map(({ way }) => way)
  const places = new Map<string, { readonly found: string; readonly names: string[] }>()
  for (const { name, labels } of namespaces) {
    const asked = webhooks.filter(({ namespaceSelector }) => selects(namespaceSelector, labels))
    for (const { way, found } of uncovered(asked)) {
      if (nowhere.includes(way)) continue
      const place = places.get(way) ?? { found, names: [] }
      place.names.push(name)
      places.set(way, place)
    }
  }
  return [...places].map(([way, { found, names }]) => ({
    way: `${way} in ${names.slice(0, 50).join(', ')}`,
    found: `${found} there, though other things are`,
    fix: 'Give every webhook of the gate the same namespaceSelector, as in deploy/kubernetes/webhook',
  }))
}

function selects(
  { matchLabels, matchExpressions }: Selector,
  labels: Readonly<Record<string, string>>,
): boolean {
  const has = (key: string): boolean => Object.hasOwn(labels, key)
  return (
    Object.entries(matchLabels).every(([key, value]) => has(key) && labels[key] === value) &&
    matchExpressions.every(({ key, operator, values }) => {
      const isIn = has(key) && values.includes(labels[key] ?? '')
      if (operator === 'In') return isIn
      if (operator === 'NotIn') return !isIn
      return operator === 'Exists' ? has(key) : operator === 'DoesNotExist' && !has(key)
    })
  )
}
