import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Decision } from '#decision'
import { SallyportError, type Problem } from '#error'
import { admit, type AdmissionPorts, type ImageQuestion } from './admit.ts'
import type { AdmissionSettings } from './questions.ts'
import { parseReview, type AdmissionRequest } from './review.ts'

const digest = 'a'.repeat(64)
const other = 'b'.repeat(64)
const pinned = `registry.example/shop/app@sha256:${digest}`

const settings: AdmissionSettings = {
  mapping: {
    file: 'sallyport.yaml',
    namespaces: new Map([
      ['shop', { environment: 'production', service: { label: 'app' } }],
      ['tools', { environment: 'production', service: { from: 'namespace' } }],
    ]),
  },
  kinds: new Map([['acme.example/Rollout', ['spec', 'template']]]),
}

const labels = { app: 'cart' }
const pod = (image: unknown) => ({ spec: { containers: [{ name: 'main', image }] } })
const template = (image: unknown) => ({ metadata: { labels }, ...pod(image) })

interface Asked {
  readonly kind?: string
  readonly group?: string
  readonly operation?: string
  readonly subResource?: string
  readonly namespace?: string
  readonly object?: unknown
  readonly oldObject?: unknown
  readonly dryRun?: boolean
  readonly userInfo?: { readonly username: string; readonly groups: readonly string[] }
}

function requestOf({ kind = 'Pod', group = '', ...more }: Asked): AdmissionRequest {
  const review = {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'u-1',
      kind: { group, version: 'v1', kind },
      operation: 'CREATE',
      namespace: 'shop',
      name: 'x',
      userInfo: { username: 'jo', groups: ['system:masters'] },
      ...more,
    },
  }
  return parseReview(Buffer.from(JSON.stringify(review)))
}

function portsOf(effects: Record<string, Decision['effect']> = {}) {
  const asked: ImageQuestion[] = []
  const refusals: Problem[] = []
  const ports: AdmissionPorts = {
    decide: (question) => {
      asked.push(question)
      const effect = effects[question.reference.digest ?? ''] ?? 'admitted'
      const verdict = effect === 'admitted' ? 'ALLOW' : 'DENY'
      const reasons = verdict === 'ALLOW' ? [] : [{ code: 'PROVENANCE_MISSING', fix: 'Build it' }]
      const decision = { verdict, effect, reasons } as unknown as Decision
      return Promise.resolve({ decision, ...(question.dryRun ? {} : { index: 7 }) })
    },
    resolve: () => Promise.resolve(other),
    audits: () => false,
    refuse: (_, problems) => {
      refusals.push(...problems)
      return Promise.resolve()
    },
    explain: (decision, index) => `${decision.verdict} (${index ?? 'not recorded'})`,
    explainProblem: ({ code, where, fix }) => `${code} ${where}: ${fix}`,
  }
  return { ports, asked, refusals }
}

const allWorkloads: readonly [string, string, (image: string) => unknown][] = [
  ['', 'Pod', (image) => ({ metadata: { labels }, ...pod(image) })],
  ['', 'PodTemplate', (image) => ({ template: template(image) })],
  ['', 'ReplicationController', (image) => ({ spec: { template: template(image) } })],
  ['apps', 'Deployment', (image) => ({ spec: { template: template(image) } })],
  ['apps', 'ReplicaSet', (image) => ({ spec: { template: template(image) } })],
  ['apps', 'StatefulSet', (image) => ({ spec: { template: template(image) } })],
  ['apps', 'DaemonSet', (image) => ({ spec: { template: template(image) } })],
  [
    'apps',
    'ControllerRevision',
    (image) => ({ data: { spec: { template: { $patch: 'replace', ...template(image) } } } }),
  ],
  ['batch', 'Job', (image) => ({ spec: { template: template(image) } })],
  [
    'batch',
    'CronJob',
    (image) => ({ spec: { jobTemplate: { spec: { template: template(image) } } } }),
  ],
  ['acme.example', 'Rollout', (image) => ({ spec: { template: template(image) } })],
]

const previous = `registry.example/shop/app@sha256:${other}`

test('every kind that makes pods is decided when it is made and when its image is changed, for the target of its namespace and labels', async () => {
  for (const [group, kind, objectOf] of allWorkloads) {
    const object = objectOf(pinned)
    const made = requestOf({ group, kind, object })
    const oldObject = objectOf(previous)
    const changed = requestOf({ group, kind, operation: 'UPDATE', object, oldObject })
    for (const request of [made, changed]) {
      const { ports, asked } = portsOf({ [digest]: 'blocked' })
      const what = `${request.operation} ${kind}`
      const answer = await admit(request, settings, ports)
      assert.equal(answer.response.allowed, false, what)
      assert.deepEqual(asked[0]?.target, { environment: 'production', service: 'cart' }, what)
      assert.equal(asked[0].requester, 'jo')
    }
  }
})

test('whoever asks is asked about: administrators, nodes and what is part of the cluster, too (DEP-06)', async () => {
  const privileged = [
    { username: 'kubernetes-admin', groups: ['kubeadm:cluster-admins', 'system:masters'] },
    { username: 'system:admin', groups: ['system:masters', 'system:authenticated'] },
    { username: 'system:apiserver', groups: ['system:masters'] },
    { username: 'system:node:one', groups: ['system:nodes'] },
    { username: 'system:kube-controller-manager', groups: ['system:authenticated'] },
    {
      username: 'system:serviceaccount:kube-system:replicaset-controller',
      groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system'],
    },
  ]
  for (const userInfo of privileged) {
    const object = { metadata: { labels }, ...pod(pinned) }
    const { ports, asked } = portsOf({ [digest]: 'blocked' })
    const { response } = await admit(requestOf({ userInfo, object }), settings, ports)
    assert.equal(response.allowed, false, userInfo.username)
    assert.deepEqual([response.status?.code, asked[0]?.requester], [403, userInfo.username])
  }
})

test('containers, init containers, ephemeral containers and image volumes are all decided', async () => {
  const named = (name: string, image: string) => [
    { name, image: `r.example/${name}@sha256:${image}` },
  ]
  const object = {
    metadata: { labels },
    spec: {
      containers: named('main', digest),
      initContainers: named('init', digest),
      ephemeralContainers: named('debug', digest),
      volumes: [
        { name: 'empty', emptyDir: {} },
        { name: 'data', image: { reference: `r.example/data@sha256:${digest}` } },
      ],
    },
  }
  const { ports, asked } = portsOf()
  const { response } = await admit(requestOf({ object }), settings, ports)
  assert.equal(response.allowed, true)
  assert.deepEqual(asked.map(({ reference }) => reference.repository).sort(), [
    'data',
    'debug',
    'init',
    'main',
  ])
  assert.equal(response.auditAnnotations?.entries, '7,7,7,7')
})

test('an artifact that an annotation has the container runtime pull is decided, too', async () => {
  for (const name of ['seccomp-profile.kubernetes.cri-o.io/POD', 'seccomp-profile.crio.io/main']) {
    const annotations = { [name]: `r.example/seccomp@sha256:${other}`, 'other.example/x': 'y' }
    const object = { ...pod(pinned), metadata: { labels, annotations } }
    const { ports, asked } = portsOf({ [other]: 'blocked' })
    const { response } = await admit(requestOf({ object }), settings, ports)
    assert.equal(response.allowed, false)
    assert.deepEqual(
      new Set(asked.map(({ reference }) => reference.digest)),
      new Set([digest, other]),
    )
    assert.match(response.status?.message ?? '', /metadata\.annotations\["seccomp-profile\./)
  }
})

test('numbers of 64 bits, which Kubernetes has, keep nothing from being decided', async () => {
  const text = JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'u-1',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      operation: 'CREATE',
      namespace: 'tools',
      object: { spec: { ...pod(pinned).spec, tolerations: [{ tolerationSeconds: 0 }] } },
    },
  })
  const forEver = text.replace('"tolerationSeconds":0', '"tolerationSeconds":9223372036854775807')
  const { ports, asked } = portsOf()
  const { response } = await admit(parseReview(Buffer.from(forEver)), settings, ports)
  assert.deepEqual([response.allowed, asked.length], [true, 1])
})

test('one bad image among good ones refuses, and the place of the bad one is told', async () => {
  const bad = `registry.example/shop/bad@sha256:${other}`
  const object = {
    metadata: { labels },
    spec: {
      containers: [{ name: 'a', image: pinned }],
      initContainers: [{ name: 'b', image: bad }],
    },
  }
  const { ports } = portsOf({ [other]: 'blocked' })
  const { response } = await admit(requestOf({ object }), settings, ports)
  assert.equal(response.allowed, false)
  assert.equal(response.status?.code, 403)
  assert.match(response.status?.message ?? '', /^spec\.initContainers\[0\]\.image: DENY \(7\)$/)
})

test('a tag is refused with the digest that it means now, and what is pinned is decided all the same', async () => {
  const object = {
    metadata: { labels },
    spec: {
      containers: [
        { name: 'a', image: 'registry.example/app:1.2' },
        { name: 'b', image: pinned },
      ],
    },
  }
  const { ports, asked, refusals } = portsOf()
  const { response } = await admit(requestOf({ object }), settings, ports)
  assert.equal(response.allowed, false)
  assert.match(response.status?.message ?? '', new RegExp(`app:1.2@sha256:${other}`))
  assert.deepEqual(
    refusals.map(({ code }) => code),
    ['ADMISSION_UNPINNED'],
  )
  assert.equal(asked.length, 1)
})

test('AUD-04: which object it was is recorded with each image, and nothing that is in the object', async () => {
  const { ports, asked } = portsOf()
  const env = [{ name: 'PASSWORD', value: 'hunter2' }]
  const spec = { containers: [{ name: 'web', image: pinned, env }] }
  const object = { metadata: { labels }, spec }
  await admit(requestOf({ object, subResource: 'ephemeralcontainers' }), settings, ports)
  assert.deepEqual(
    asked.map((question) => question.asked),
    [
      {
        uid: 'u-1',
        operation: 'CREATE',
        kind: '/Pod',
        namespace: 'shop',
        name: 'x',
        subResource: 'ephemeralcontainers',
        field: 'spec.containers[0].image',
        image: pinned,
      },
    ],
  )
  assert.ok(!JSON.stringify(asked[0]?.asked).includes('hunter2'))
})

test('what is no image reference is refused', async () => {
  for (const image of [
    'nginx',
    'UPPER/x@sha256:1',
    `r.example/a@sha256:${digest}@sha256:${other}`,
    ' ',
    `oci://${pinned}`,
  ]) {
    const { ports, asked } = portsOf()
    const request = requestOf({ object: { metadata: { labels }, ...pod(image) } })
    const { response } = await admit(request, settings, ports)
    assert.equal(response.allowed, false, image)
    assert.equal(asked.length, 0)
    assert.equal(response.auditAnnotations?.reasons, 'ADMISSION_IMAGE', image)
  }
})

test('an image that a template leaves blank is decided when somebody fills it in', async () => {
  for (const [group, kind, objectOf] of allWorkloads) {
    const { ports, asked } = portsOf({ [digest]: 'blocked' })
    const made = requestOf({ group, kind, object: objectOf(' ') })
    assert.equal((await admit(made, settings, ports)).response.allowed, kind !== 'Pod', kind)
    const objects = { object: objectOf(pinned), oldObject: objectOf(' ') }
    const filled = requestOf({ group, kind, operation: 'UPDATE', ...objects })
    assert.equal((await admit(filled, settings, ports)).response.allowed, false, kind)
    assert.equal(asked.length, 1, kind)
    const annotations = JSON.stringify({ 'sallyport.dev/breakglass': 'a grant' })
    const text = JSON.stringify(objectOf(' ')).replace(
      '"labels"',
      `"annotations":${annotations},"labels"`,
    )
    const carrying = requestOf({ group, kind, object: JSON.parse(text) })
    const { response } = await admit(carrying, settings, ports)
    assert.equal(response.auditAnnotations?.reasons, 'ADMISSION_IMAGE', kind)
  }
})

test('what deploys nothing is not decided: deleting, connecting, scaling, status, labels', async () => {
  const object = { metadata: { labels: { ...labels, more: '1' } }, ...pod('untrusted:tag') }
  const cases: Asked[] = [
    { operation: 'DELETE', oldObject: object },
    { operation: 'CONNECT', subResource: 'exec', object: { command: ['sh'] } },
    { operation: 'UPDATE', subResource: 'scale', object: { spec: { replicas: 3 } } },
    { operation: 'UPDATE', subResource: 'status', object, oldObject: object },
    { operation: 'UPDATE', subResource: 'status', kind: 'Deployment', group: 'apps', object },
    ...['shop', 'unmapped'].map((namespace) => {
      const reported = { ...object, status: { phase: 'Running' }, metadata: { labels: { x: '1' } } }
      const oldObject = { ...reported, status: {} }
      return { operation: 'UPDATE', subResource: 'status', namespace, object: reported, oldObject }
    }),
    { operation: 'UPDATE', object, oldObject: { metadata: { labels }, ...pod('untrusted:tag') } },
  ]
  for (const asked of cases) {
    const { ports, asked: questions } = portsOf()
    const { response } = await admit(requestOf(asked), settings, ports)
    assert.equal(response.allowed, true, JSON.stringify(asked))
    assert.equal(questions.length, 0)
    assert.ok(response.auditAnnotations?.undecided)
  }
})

test('a grant in a template that was there before is decided for whoever writes it, in either annotation', async () => {
  for (const [group, kind, objectOf] of allWorkloads) {
    for (const name of ['sallyport.dev/breakglass', 'sallyport.dev/evidence']) {
      const carrying = (grant?: string): unknown => {
        const metadata = JSON.stringify({ labels, annotations: { other: 'x', [name]: grant } })
        const text = JSON.stringify(objectOf(pinned))
        return JSON.parse(
          text.replace(`"metadata":${JSON.stringify({ labels })}`, `"metadata":${metadata}`),
        )
      }
      const { ports, asked } = portsOf()
      const update = async (before: string | undefined, now: string | undefined) => {
        const objects = { object: carrying(now), oldObject: carrying(before) }
        const request = requestOf({ group, kind, operation: 'UPDATE', ...objects })
        await admit(request, settings, ports)
        return asked.splice(0).map(({ requester, annotations }) => [requester, annotations[name]])
      }
      assert.deepEqual(await update(undefined, 'a grant'), [['jo', 'a grant']], kind)
      assert.deepEqual(await update('a grant', 'another'), [['jo', 'another']], kind)
      assert.deepEqual(await update('a grant', 'a grant'), [], kind)
      assert.deepEqual(await update('a grant', undefined), [], kind)
    }
  }
})

test('a status that brings another target or an artifact is decided as the pod is', async () => {
  const before = { metadata: { labels }, ...pod(pinned) }
  const annotations = { 'seccomp-profile.crio.io': `r.example/seccomp@sha256:${other}` }
  const changes: [object, string][] = [
    [{ ...before, metadata: { labels: { app: 'billing' } } }, digest],
    [{ ...before, metadata: { labels, annotations } }, other],
  ]
  for (const [object, bad] of changes) {
    const { ports, asked } = portsOf({ [bad]: 'blocked' })
    const more = { operation: 'UPDATE', subResource: 'status', object, oldObject: before }
    const { response } = await admit(requestOf(more), settings, ports)
    assert.deepEqual([response.allowed, asked.length > 0], [false, true])
  }
})

test('an update that changes the image, or the target, is decided', async () => {
  const before = { metadata: { labels }, ...pod(pinned) }
  const changes = [
    { metadata: { labels }, ...pod(`registry.example/shop/app@sha256:${other}`) },
    { metadata: { labels: { app: 'billing' } }, ...pod(pinned) },
  ]
  for (const object of changes) {
    const { ports, asked } = portsOf()
    await admit(requestOf({ operation: 'UPDATE', object, oldObject: before }), settings, ports)
    assert.equal(asked.length, 1)
  }
})

test('what was there before can be changed and goes away, though it could not be decided about', async () => {
  const many = Array.from({ length: 65 }, (_, index) => ({ image: `r.example/a${index}:1` }))
  const workload = { kind: 'ReplicaSet', group: 'apps' }
  const cases: [Asked, (image: unknown, more: object) => object][] = [
    [
      { namespace: 'unmapped', ...workload },
      (image, more) => ({ spec: { ...more, template: template(image) } }),
    ],
    [{ namespace: 'unmapped' }, (image, more) => ({ metadata: more, ...pod(image) })],
    [{}, (image, more) => ({ metadata: more, ...pod(image) })],
    [
      { namespace: 'tools' },
      (image, more) => ({ metadata: more, spec: { containers: [...many, { image }] } }),
    ],
  ]
  for (const [where, objectOf] of cases) {
    const oldObject = objectOf('old:1', { finalizers: ['x'], replicas: 2 })
    const update = (object: object) =>
      requestOf({ ...where, operation: 'UPDATE', object, oldObject })
    const { ports, asked, refusals } = portsOf()
    const same = await admit(update(objectOf('old:1', { replicas: 0 })), settings, ports)
    assert.deepEqual([same.response.allowed, asked, refusals], [true, [], []])
    const { response } = await admit(update(objectOf(pinned, {})), settings, ports)
    assert.equal(response.allowed, false)
    assert.match(response.auditAnnotations?.reasons ?? '', /ADMISSION_(?:TARGET|LIMIT)/)
  }
})

test('pods that come to a target, or leave it for none, are decided or refused', async () => {
  const [without, within] = [{}, labels].map((some) => ({
    metadata: { labels: some },
    ...pod(pinned),
  }))
  const { ports, asked } = portsOf()
  const update = { operation: 'UPDATE', object: within, oldObject: without }
  await admit(requestOf(update), settings, ports)
  assert.equal(asked.length, 1)
  const back = { operation: 'UPDATE', object: without, oldObject: within }
  const { response } = await admit(requestOf(back), settings, ports)
  assert.equal(response.auditAnnotations?.reasons, 'ADMISSION_TARGET')
})

test('a debug container in a running pod is decided, in the old form of the request too', async () => {
  const debug = [{ name: 'dbg', image: pinned }]
  const cases = [
    {
      kind: 'Pod',
      object: { metadata: { labels }, spec: { containers: [], ephemeralContainers: debug } },
    },
    {
      kind: 'EphemeralContainers',
      object: { kind: 'EphemeralContainers', metadata: {}, ephemeralContainers: debug },
    },
  ]
  for (const { kind, object } of cases) {
    const { ports, asked } = portsOf({ [digest]: 'blocked' })
    const request = requestOf({
      kind,
      namespace: kind === 'Pod' ? 'shop' : 'tools',
      operation: 'UPDATE',
      subResource: 'ephemeralcontainers',
      object,
      oldObject: { ...object, spec: { containers: [] }, ephemeralContainers: [] },
    })
    const { response } = await admit(request, settings, ports)
    assert.equal(asked.length, 1, kind)
    assert.equal(response.allowed, false, kind)
  }
})

test('a debug container is decided alone: nothing else of the pod can be changed with it', async () => {
  const debug = 'r.example/debug'
  const podWith = (app: string, ...images: string[]) => ({
    metadata: { labels: { app } },
    spec: {
      containers: [{ image: 'old:1' }, { image: `${debug}@sha256:${other}` }],
      ephemeralContainers: ['old:2', ...images].map((image) => ({ image })),
    },
  })
  const update = (object: object, oldObject?: object) =>
    requestOf({ operation: 'UPDATE', subResource: 'ephemeralcontainers', object, oldObject })
  const { ports, asked, refusals } = portsOf()
  const object = podWith('cart', pinned)
  const { response } = await admit(update(object, podWith('cart')), settings, ports)
  assert.deepEqual([response.allowed, refusals], [true, []])
  assert.deepEqual(
    asked.map((question) => question.asked['field']),
    ['spec.ephemeralContainers[1].image'],
  )
  const tagged = update(podWith('cart', `${debug}:1`), podWith('cart'))
  assert.equal((await admit(tagged, settings, ports)).response.allowed, false)
  for (const oldObject of [undefined, podWith('billing')]) {
    const whole = await admit(update(object, oldObject), settings, ports)
    assert.match(whole.response.status?.message ?? '', /ADMISSION_IMAGE spec\.containers\[0\]/)
  }
})

test('a template that calls itself a list of debug containers hides no image', async () => {
  const posing = { kind: 'EphemeralContainers', ephemeralContainers: [] }
  for (const [group, kind, objectOf] of allWorkloads) {
    const text = JSON.stringify(objectOf(pinned))
    const hidden = text.replace('"metadata":', `${JSON.stringify(posing).slice(1, -1)},"metadata":`)
    const { ports, asked } = portsOf()
    await admit(requestOf({ group, kind, object: JSON.parse(hidden) }), settings, ports)
    assert.equal(asked.length, 1, kind)
  }
})

test('a namespace, a label or a kind that nobody has mapped is refused, and it is said who can map it', async () => {
  const object = { metadata: { labels: {} }, ...pod(pinned) }
  const cases: [Asked, string][] = [
    [{ namespace: 'default', object }, 'ADMISSION_TARGET'],
    [{ object }, 'ADMISSION_TARGET'],
    [{ kind: 'Thing', group: 'x.example', object }, 'ADMISSION_KIND'],
    [{ subResource: 'surprise', object }, 'ADMISSION_KIND'],
  ]
  for (const [asked, code] of cases) {
    const { ports, refusals } = portsOf()
    const { response } = await admit(requestOf(asked), settings, ports)
    assert.equal(response.allowed, false)
    assert.deepEqual(
      refusals.map((problem) => problem.code),
      [code],
    )
  }
})

test('a dry run is decided and leaves no record', async () => {
  const object = { metadata: { labels }, ...pod(pinned) }
  const { ports, asked, refusals } = portsOf({ [digest]: 'blocked' })
  const { response } = await admit(requestOf({ dryRun: true, object }), settings, ports)
  assert.equal(response.allowed, false)
  assert.equal(asked[0]?.dryRun, true)
  const tagged = requestOf({
    dryRun: true,
    object: { metadata: { labels }, ...pod('r.example/a:1') },
  })
  await admit(tagged, settings, ports)
  assert.equal(refusals.length, 0)
})

test('what is admitted although the verdict is no comes with a warning', async () => {
  const { ports } = portsOf({ [digest]: 'admitted-audit' })
  const object = { metadata: { labels }, ...pod(pinned) }
  const { response } = await admit(requestOf({ object }), settings, ports)
  assert.equal(response.allowed, true)
  assert.match(response.warnings?.[0] ?? '', /DENY, admitted-audit: PROVENANCE_MISSING/)
})

test('a record that fails is no answer', async () => {
  const { ports } = portsOf()
  const object = { metadata: { labels }, ...pod(pinned) }
  const broken = { ...ports, decide: () => Promise.reject(new Error('disk full')) }
  await assert.rejects(admit(requestOf({ object }), settings, broken), /disk full/)
})

test('objects of another shape are refused, never overlooked', async () => {
  const odd: unknown[] = [
    { spec: { containers: { 0: { image: pinned } } } },
    { spec: { containers: [[{ image: pinned }]] } },
    { spec: { containers: [{ image: [pinned] }] } },
    { spec: [{ containers: [] }] },
    { spec: { volumes: [{ image: 'x' }] } },
  ]
  for (const object of odd) {
    const { ports, refusals } = portsOf()
    const request = requestOf({ namespace: 'tools', object })
    const { response } = await admit(request, settings, ports)
    assert.equal(response.allowed, false)
    assert.match(response.status?.message ?? '', /^ADMISSION_REVIEW spec.*: Write spec/)
    assert.deepEqual(
      refusals.map(({ code }) => code),
      ['ADMISSION_REVIEW'],
    )
  }
})

test('a template that was malformed before the gate was can be put right, and left as it is', async () => {
  const kind = { group: 'acme.example', kind: 'Rollout', operation: 'UPDATE' }
  const change = async (was: unknown, now: unknown) => {
    const { ports, asked, refusals } = portsOf({ [digest]: 'blocked' })
    const oldObject = { metadata: { finalizers: ['x'] }, spec: was }
    const object = { metadata: {}, spec: now }
    const answer = await admit(requestOf({ ...kind, object, oldObject }), settings, ports)
    const { allowed, auditAnnotations } = answer.response
    return { allowed, undecided: auditAnnotations?.['undecided'], asked: asked.length, refusals }
  }
  const good = template(pinned)
  const list = { ...good, spec: { containers: { image: pinned } } }
  for (const malformed of [list, 'a text', [good], { ...good, metadata: 'x' }]) {
    const decided = await change({ template: malformed }, { template: good })
    assert.deepEqual([decided.allowed, decided.asked], [false, 1], 'as if it were new')
    const asItWas = await change({ template: malformed }, { template: malformed, replicas: 1 })
    assert.deepEqual([asItWas.allowed, asItWas.undecided], [true, 'the pod template is as it was'])
    assert.equal((await change({ template: malformed }, {})).undecided, 'there is no pod template')
    for (const was of [good, 'other', undefined]) {
      const refused = await change({ template: was }, { template: malformed })
      assert.deepEqual([refused.allowed, refused.asked], [false, 0])
      const [problem] = refused.refusals
      assert.equal(problem?.code, 'ADMISSION_REVIEW')
      assert.match(problem?.where ?? '', /^spec\.template/)
      assert.match(problem?.fix ?? '', /^Write spec\.template.* as the Kubernetes API describes it/)
    }
  }
  assert.equal((await change('x', 'x')).allowed, true)
  assert.equal((await change('x', { template: 'x' })).allowed, false)
})

test('where a policy only audits, a tag is decided as what it means now, and the warning says so', async () => {
  const request = requestOf({ namespace: 'tools', object: pod('r.example/a:1') })
  const { ports, asked, refusals } = portsOf({ [other]: 'admitted-audit' })
  const { response } = await admit(request, settings, { ...ports, audits: () => true })
  assert.equal(response.allowed, true)
  assert.equal(asked[0]?.reference.digest, other)
  assert.deepEqual(refusals, [])
  assert.match(
    response.warnings?.join('\n') ?? '',
    new RegExp(
      `ADMISSION_UNPINNED, admitted-audit: Write "r.example/a:1@sha256:${other}".*\n.*DENY, `,
    ),
  )
  // A name that means nothing is no tag.
  const bare = requestOf({ namespace: 'tools', object: pod('nginx') })
  const answer = await admit(bare, settings, { ...ports, audits: () => true })
  assert.equal(answer.response.allowed, false)
})

test('why it is not known what a tag means is told: where nothing may be asked, where there is none, and where nobody answers', async () => {
  const request = requestOf({ namespace: 'tools', object: pod('r.example/a:1') })
  const said = { where: 'r.example', expected: 'an answer', fix: 'Make it well again' }
  const notAllowed = /"r\.example" to evidence\.registries\.allow/
  const unavailable = { ...said, code: 'EVIDENCE_SOURCE_UNAVAILABLE', found: 'status 503' } as const
  for (const [means, audits, status, code, fix] of [
    [
      { ...said, code: 'EVIDENCE_REGISTRY_NOT_ALLOWED', found: '"r.example"' },
      [true, false],
      403,
      'ADMISSION_UNPINNED',
      notAllowed,
    ],
    [
      { ...said, code: 'EVIDENCE_ARTIFACT_MISSING', found: 'no such tag' },
      [true, false],
      403,
      'ADMISSION_UNPINNED',
      /correct the tag/,
    ],
    [unavailable, [false], 403, 'ADMISSION_UNPINNED', /Write the digest behind the tag/],
    [unavailable, [true], 503, 'EVIDENCE_SOURCE_UNAVAILABLE', /Make it well again; or write/],
  ] as const)
    for (const audit of audits) {
      const { ports, asked, refusals } = portsOf()
      const resolve = () => Promise.resolve(means)
      const { response } = await admit(request, settings, {
        ...ports,
        resolve,
        audits: () => audit,
      })
      assert.equal(response.status?.code, status)
      assert.match(response.status?.message ?? '', new RegExp(`^${code} spec.containers.0..image`))
      assert.match(response.status?.message ?? '', fix)
      assert.deepEqual(
        refusals.map((problem) => problem.code),
        [code],
      )
      assert.equal(asked.length, 0)
    }
})

test('the audit log of the API server is told of as many images as are decided', async () => {
  const containers = Array.from({ length: 64 }, (_, index) => ({
    image: `r.example/a${index}@sha256:${digest}`,
  }))
  const { ports } = portsOf({ [digest]: 'admitted-unavailable' })
  const index = 123_456_789_012_345
  const decide: typeof ports.decide = async (question) => ({
    ...(await ports.decide(question)),
    index,
  })
  const request = requestOf({ namespace: 'tools', object: { spec: { containers } } })
  const { response } = await admit(request, settings, { ...ports, decide })
  const { effects = '', entries = '' } = response.auditAnnotations ?? {}
  assert.deepEqual(
    [new Set(effects.split(',')), new Set(entries.split(','))],
    [new Set(['admitted-unavailable']), new Set([String(index)])],
  )
})

test('more images than can be decided in time are refused', async () => {
  const containers = Array.from({ length: 65 }, (_, index) => ({
    image: `r.example/a${index}@sha256:${digest}`,
  }))
  const { ports, asked } = portsOf()
  const request = requestOf({ namespace: 'tools', object: { spec: { containers } } })
  const { response } = await admit(request, settings, ports)
  assert.equal(response.auditAnnotations?.reasons, 'ADMISSION_LIMIT')
  assert.equal(asked.length, 0)
})

test('what is no AdmissionReview is refused with a problem', () => {
  const texts = [
    '',
    '{}',
    '[]',
    'null',
    '{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview","request":{}}',
    '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}',
    '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"a","uid":"b"}}',
    `${'['.repeat(600)}${']'.repeat(600)}`,
  ]
  for (const text of texts) {
    assert.throws(() => parseReview(Buffer.from(text)), SallyportError, text.slice(0, 60))
  }
})

const captured = '../shared/data/k8s/admission-requests'
const skip = existsSync(captured) ? false : 'skipped: no ../shared'

test('requests of a real API server are understood', { skip }, async () => {
  const everywhere: AdmissionSettings = {
    mapping: {
      file: 'sallyport.yaml',
      namespaces: new Map(),
      others: { environment: 'production', service: { from: 'namespace' } },
    },
    kinds: new Map(),
  }
  const files = readdirSync(captured).filter((file) => /^\d.*\.json$/.test(file))
  for (const file of files) {
    const { ports, asked, refusals } = portsOf()
    const request = parseReview(readFileSync(`${captured}/${file}`))
    const { response } = await admit(request, everywhere, ports)
    assert.equal(response.uid, request.uid)
    const deploysNothing = /exec|delete|scale|labels/.test(file)
    assert.equal(response.allowed, response.auditAnnotations?.reasons === undefined, file)
    if (deploysNothing) assert.equal(response.allowed, true, file)
    if (!deploysNothing && !request.dryRun) assert.ok(asked.length + refusals.length > 0, file)
  }
})
