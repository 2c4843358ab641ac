// Whatever shape a pod has: an image that somebody finds by walking through the whole object is one that is asked about.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Decision } from '#decision'
import type { Json, JsonObject } from '#document'
import { admit, type AdmissionPorts, type ImageQuestion } from './admit.ts'
import { builtInKinds, type TemplatePath } from './kinds.ts'
import type { AdmissionSettings } from './questions.ts'
import { parseReview } from './review.ts'

const settings: AdmissionSettings = {
  mapping: {
    file: 'sallyport.yaml',
    namespaces: new Map([['shop', { environment: 'production', service: { label: 'app' } }]]),
  },
  kinds: new Map([['acme.example/Rollout', ['spec', 'deep', 'template']]]),
}
const kinds: readonly (readonly [string, TemplatePath])[] = [...builtInKinds, ...settings.kinds]

const image = fc.integer({ min: 0, max: 5 }).map((at) => `r.example/a@sha256:${`${at}`.repeat(64)}`)
const member = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
const container = fc.record(
  {
    name: fc.constantFrom('main', 'image', 'constructor'),
    image: fc.oneof({ weight: 8, arbitrary: image }, fc.constantFrom('', null)),
    restartPolicy: fc.constant('Always'),
    env: fc.constant([{ name: 'image', value: 'r.example/none' }]),
  },
  { requiredKeys: ['name'] },
)
const volume = fc.oneof(
  fc.record({ name: fc.constant('v'), image: fc.record({ reference: image }) }),
  fc.constantFrom(
    { name: 'e', emptyDir: {} },
    { name: 'i', image: {} },
    { name: 'n', image: null },
    { name: 'r', rbd: { image: 'block' } },
  ),
)
const list = <T>(of: fc.Arbitrary<T>) =>
  member(fc.oneof(fc.array(of, { maxLength: 3 }), fc.constant(null)))
const spec = fc.record({
  containers: list(container),
  initContainers: list(container),
  ephemeralContainers: list(container),
  volumes: list(volume),
})
const annotations = fc.record(
  {
    'seccomp-profile.crio.io': image,
    'seccomp-profile.kubernetes.cri-o.io/main': image,
    'sallyport.dev/breakglass': fc.constantFrom('one', 'another'),
    'sallyport.dev/evidence': fc.constantFrom('one', 'another'),
    other: fc.constant('x'),
  },
  { requiredKeys: [] },
)
const template = fc.record({
  metadata: fc.record({
    labels: fc.record({ app: fc.constantFrom('shop', 'billing') }),
    annotations: member(annotations),
  }),
  spec,
})
type Template = typeof template extends fc.Arbitrary<infer T> ? T : never

/** What there is of a template in an object of this kind, with things around it that are none. */
function objectOf(path: TemplatePath, pods: Template): JsonObject {
  const beside = { image: 'r.example/none', status: { containers: [{ image: 'r.example/none' }] } }
  return path.reduceRight<object>(
    (inner, name) => ({ ...beside, [name]: inner }),
    pods,
  ) as JsonObject
}

/** Every image, by its place alone: below a list of containers or of volumes, or in an annotation for CRI-O. */
function imagesFoundIn(pods: Template): ReadonlySet<string> {
  const found = new Set<string>()
  const walk = (value: unknown, path: readonly string[]): void => {
    if (typeof value === 'object' && value !== null) {
      for (const [name, inner] of Object.entries(value)) walk(inner, [...path, name])
    } else if (typeof value === 'string' && value !== '') {
      const place = path.join('.')
      const isImage = /(?:ontainers\.\d+\.image|volumes\.\d+\.image\.reference)$/.test(place)
      if (isImage || place.includes('annotations.seccomp-profile.')) found.add(value)
    }
  }
  walk(pods, [])
  return found
}

async function asked(kind: string, operation: 'CREATE' | 'UPDATE', object: Json, oldObject?: Json) {
  const [group = '', name = ''] = kind.includes('/') ? kind.split('/') : ['', kind]
  const request = {
    uid: 'u',
    kind: { group, version: 'v1', kind: name },
    operation,
    namespace: 'shop',
    object,
    ...(oldObject === undefined ? {} : { oldObject }),
  }
  const review = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request }
  const questions: ImageQuestion[] = []
  const ports: AdmissionPorts = {
    decide: (question) => {
      questions.push(question)
      const decision = { verdict: 'ALLOW', effect: 'admitted', reasons: [] } as unknown as Decision
      return Promise.resolve({ decision, index: 1 })
    },
    resolve: () => Promise.reject(new Error('there is no tag')),
    audits: () => false,
    refuse: () => Promise.resolve(),
    explain: () => '',
    explainProblem: ({ code }) => code,
  }
  const { response } = await admit(
    parseReview(Buffer.from(JSON.stringify(review))),
    settings,
    ports,
  )
  assert.equal(response.allowed, true, JSON.stringify(response))
  assert.ok(questions.every(({ target }) => target.environment === 'production'))
  return new Set(questions.map((question) => question.asked['image']))
}

test('every image of a new object of every kind is asked about, and nothing else', async () => {
  const property = fc.asyncProperty(
    fc.constantFrom(...kinds),
    template,
    async ([kind, path], pods) => {
      assert.deepEqual(await asked(kind, 'CREATE', objectOf(path, pods)), imagesFoundIn(pods))
    },
  )
  await fc.assert(property, { numRuns: 1000 })
})

test('of a change every image is asked about that was not there, and all where the target or a grant is another', async () => {
  const change = fc.tuple(fc.constantFrom(...kinds), template, template)
  const property = fc.asyncProperty(change, async ([[kind, path], before, now]) => {
    const [oldObject, object] = [objectOf(path, before), objectOf(path, now)]
    const questions = await asked(kind, 'UPDATE', object, oldObject)
    const [was, is] = [imagesFoundIn(before), imagesFoundIn(now)]
    const added = [...is].filter((one) => !was.has(one))
    const isOther = before.metadata.labels.app !== now.metadata.labels.app
    if (added.length > 0 || isOther || bringsGrant(before, now)) assert.deepEqual(questions, is)
    else assert.deepEqual(questions, new Set())
  })
  await fc.assert(property, { numRuns: 2000 })
})

function bringsGrant(before: Template, now: Template): boolean {
  const [was, is] = [before, now].map(({ metadata }) => metadata.annotations ?? {})
  return (['sallyport.dev/breakglass', 'sallyport.dev/evidence'] as const).some(
    (name) => is?.[name] !== undefined && is[name] !== was?.[name],
  )
}
