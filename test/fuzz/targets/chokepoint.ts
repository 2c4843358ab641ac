import { parseReview, type AdmissionSettings } from '#chokepoint'
import { questionsOf } from '../../../src/chokepoint/admission/questions.ts'
import type { JsonObject } from '#document'
import type { Target } from '../target.ts'

const spec = {
  containers: [{ name: 'shop', image: `registry.example/shop@sha256:${'ab'.repeat(32)}` }],
  initContainers: [{ name: 'init', image: 'registry.example/init:1.2' }],
  volumes: [{ name: 'v', image: { reference: 'registry.example/data:1' } }],
}
const metadata = {
  name: 'shop',
  namespace: 'prod',
  labels: { app: 'shop' },
  annotations: { a: 'b' },
}
const kinds: readonly (readonly [string, string, string, JsonObject])[] = [
  ['', 'v1', 'Pod', { metadata, spec }],
  ['apps', 'v1', 'Deployment', { metadata, spec: { template: { metadata, spec } } }],
  [
    'batch',
    'v1',
    'CronJob',
    { metadata, spec: { jobTemplate: { spec: { template: { metadata, spec } } } } },
  ],
]
const reviews = kinds.flatMap(([group, version, kind, object]) =>
  (['CREATE', 'UPDATE'] as const).map((operation) => ({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
      kind: { group, version, kind },
      operation,
      namespace: 'prod',
      name: 'shop',
      userInfo: { username: 'alice' },
      dryRun: false,
      object,
      ...(operation === 'UPDATE' ? { oldObject: object } : {}),
    },
  })),
)

const settings: AdmissionSettings = {
  kinds: new Map(),
  mapping: {
    file: 'sallyport.yaml',
    namespaces: new Map([['prod', { environment: 'production', service: { label: 'app' } }]]),
  },
}

export const chokepointTargets: readonly Target[] = [
  {
    name: 'chokepoint.parseReview',
    covers: ['#chokepoint.parseReview'],
    form: 'json',
    seeds: () => reviews.map((review) => Buffer.from(JSON.stringify(review))),
    run: (input) => {
      const request = parseReview(input)
      questionsOf(request, settings)
    },
  },
]
