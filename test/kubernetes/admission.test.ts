// Done-when 1 of the gate: a real API server asks the real gate about everything that brings an image into a cluster.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { makeAuthority, type Pair } from '../server/certificates.ts'
import { skip, type Said } from './api-server.ts'
import { pod, templates, type KubernetesObject } from './objects.ts'
import { until } from './processes.ts'
import { deployFolder, startWorld, type World } from './world.ts'

let world: World
let legacy: KubernetesObject

const apply = (object: unknown, ...more: readonly string[]): Promise<Said> =>
  world.cluster.kubectl(['apply', '-f', '-', ...more], object)
const isRefused = async (object: unknown): Promise<boolean> =>
  (await apply(object, '--dry-run=server')).exit !== 0
const kubectl = (...args: readonly string[]): Promise<Said> => world.cluster.kubectl(args)
const debug = (name: string, image: string, container: string): Promise<Said> =>
  kubectl('debug', name, '-n', 'shop', `--image=${image}`, '-c', container)
const badTag = (): string => world.bad.replace(/@.*/, ':0.9')

before(async () => {
  if (skip !== false) return
  world = await startWorld()
  await world.startGate()
  for (const name of ['shop', 'tools', 'trial', 'elsewhere']) {
    await kubectl('create', 'namespace', name)
  }
  // What was there before the gate: images that it would refuse.
  ;[legacy = {}] = templates('legacy', world.bad)
  const debugged = pod('debugged', badTag())
  const objects = [legacy, pod('legacy', world.bad), debugged, ...unmapped()]
  for (const object of objects) assertDone(await apply(object))
  assertDone(await debug('debugged', badTag(), 'before'))
  await world.apply('webhook')
  // The API server takes a moment to hear of it.
  await until('the webhook is in force', () => isRefused(pod('probe', world.bad)))
})

after(() => world?.stop())

/** A ReplicaSet and a pod in a namespace that nobody has mapped, and a pod without the label that is its service. */
function unmapped(): readonly KubernetesObject[] {
  const [, replicas = {}] = templates('unmapped', world.bad)
  const held = { finalizers: ['example.com/hold'] }
  const pods = [
    pod('unmapped', world.bad, { namespace: 'elsewhere' }),
    pod('unmapped', world.bad, { labels: {} }),
  ]
  return [
    { ...replicas, metadata: { name: 'unmapped', namespace: 'elsewhere' } },
    ...pods.map((one) => ({ ...one, metadata: { ...one.metadata, ...held } })),
  ]
}

function assertDone({ exit, stderr }: Said): void {
  assert.equal(exit, 0, stderr)
}

function assertRefused({ exit, stderr }: Said, ...patterns: readonly RegExp[]): void {
  assert.equal(exit, 1, 'it was admitted')
  assert.match(stderr, /admission webhook "gate\.sallyport\.dev" denied the request/)
  for (const pattern of patterns) assert.match(stderr, pattern)
}

test(
  'an image with provenance runs, and one without is refused with what to do',
  { skip },
  async () => {
    assertDone(await apply(pod('good', world.good)))
    const said = await apply(pod('bad', world.bad))
    assertRefused(
      said,
      /spec\.containers\[0\]\.image: denied: .*@sha256:.* may not run in staging\/shop\n/,
      /\n {2}PROVENANCE_MISSING: .*\n {4}expected: .*\n {4}found: .*\n {4}fix: .*sallyport attach/,
      /\n {2}decision \d+ in the log/,
    )
  },
)

test('a tag is refused with the digest that it means now', { skip }, async () => {
  const digest = world.good.split('@')[1] ?? ''
  const said = await apply(pod('tagged', world.tagged))
  assertRefused(said, /ADMISSION_UNPINNED/, new RegExp(`fix: .*:1\\.0@${digest}`))
  assertDone(await apply(pod('tagged', `${world.tagged}@${digest}`)))
})

test('an image without a registry means nothing, and is refused', { skip }, async () => {
  assertRefused(await apply(pod('short', 'nginx')), /ADMISSION_IMAGE/)
})

test(
  'a template may leave its image blank, as OpenShift does, for somebody who is asked about',
  { skip },
  async () => {
    for (const object of templates('blank', ' ')) assertDone(await apply(object))
    const set = (image: string): Promise<Said> =>
      kubectl('-n', 'shop', 'set', 'image', 'deployment/blank', `main=${image}`)
    assertRefused(await set(world.bad), /PROVENANCE_MISSING/)
    assertDone(await set(world.good))
  },
)

test('one bad image among good ones is enough, wherever it stands', { skip }, async () => {
  const { good, bad } = world
  const main = { name: 'main', image: good }
  const other = { name: 'other', image: bad }
  const sidecar = { ...other, restartPolicy: 'Always' }
  const volume = { name: 'data', image: { reference: bad } }
  const places = [
    [{ containers: [main, other] }, /spec\.containers\[1\]\.image/],
    [{ containers: [main], initContainers: [other] }, /spec\.initContainers\[0\]\.image/],
    [{ containers: [main], initContainers: [sidecar] }, /spec\.initContainers\[0\]\.image/],
    [{ containers: [main], volumes: [volume] }, /spec\.volumes\[0\]\.image\.reference/],
  ] as const
  for (const [spec, field] of places) assertRefused(await apply(pod('many', spec)), field)
  const fine = { ...volume, image: { reference: good } }
  const all = { containers: [main], initContainers: [{ ...main, name: 'init' }], volumes: [fine] }
  assertDone(await apply(pod('many', all)))
})

test('a container for debugging is asked about, too', { skip }, async () => {
  assertRefused(await debug('good', world.bad, 'bad'), /spec\.ephemeralContainers\[0\]\.image/)
  assertRefused(await debug('good', world.tagged, 'tagged'), /ADMISSION_UNPINNED/)
  assertDone(await debug('good', world.good, 'fine'))
})

test(
  'whatever else is in a pod, a container for debugging is asked about alone',
  { skip },
  async () => {
    const said = await debug('debugged', world.bad, 'bad')
    assertRefused(said, / request: spec\.ephemeralContainers\[1\]\.image: denied/)
    assertDone(await debug('debugged', world.good, 'fine'))
  },
)

test('every kind that makes pods is asked about before any pod is made', { skip }, async () => {
  for (const object of templates('good', world.good)) assertDone(await apply(object))
  for (const object of templates('bad', world.bad)) {
    assertRefused(await apply(object), /template\.spec\.containers\[0\]\.image: denied/)
  }
})

test(
  'every kind that makes pods is asked about when its image is changed, too',
  { skip },
  async () => {
    const { good, tagged, bad } = world
    const renamed = `${tagged}@${good.split('@')[1]}`
    const [made, refused, allowed] = [good, bad, renamed].map((image) => templates('update', image))
    assert.ok(made !== undefined)
    for (const [index, object] of made.entries()) {
      assertDone(await apply(object))
      const changed = await apply(refused?.[index])
      // The template of a Job never changes: the API server says so before it asks anybody.
      if (object['kind'] === 'Job') assert.match(changed.stderr, /field is immutable/)
      else {
        assertRefused(changed, /template\.spec\.containers\[0\]\.image: denied/, /PROVENANCE_/)
        assertDone(await apply(allowed?.[index]))
      }
    }
  },
)

test(
  'a revision that somebody writes brings a template, and those of the controllers are not asked about',
  { skip },
  async () => {
    const revision = (name: string, image: string) => {
      const { metadata, spec } = pod(name, image)
      const { labels } = metadata
      const data = { spec: { template: { $patch: 'replace', metadata: { labels }, spec } } }
      const named = { name, namespace: 'shop' }
      const kind = 'ControllerRevision'
      return { apiVersion: 'apps/v1', kind, metadata: named, revision: 1, data }
    }
    const create = (object: unknown, ...more: readonly string[]): Promise<Said> =>
      world.cluster.kubectl(['create', '-f', '-', ...more], object)
    const refused = await create(revision('revised', world.bad))
    const denied =
      /"revisions\.gate\.sallyport\.dev" denied .*data\.spec\.template\.spec\.containers/s
    assert.match(refused.stderr, denied)
    assertDone(await create(revision('revised', world.good)))
    const changed = await world.cluster.kubectl(
      ['replace', '-f', '-'],
      revision('revised', world.bad),
    )
    assert.match(changed.stderr, /data: Invalid value: .*field is immutable/s)
    for (const account of ['statefulset-controller', 'daemon-set-controller']) {
      const as = `--as=system:serviceaccount:kube-system:${account}`
      assertDone(await create(revision(account, world.bad), as, '--as-group=system:masters'))
    }
  },
)

test('a pod whose name the server makes up is asked about', { skip }, async () => {
  const { metadata, ...rest } = pod('x', world.bad)
  const object = { ...rest, metadata: { ...metadata, name: undefined, generateName: 'x-' } }
  assertRefused(await world.cluster.kubectl(['create', '-f', '-'], object), /PROVENANCE_MISSING/)
})

test(
  'what deploys nothing is not blocked, even where the image would be refused',
  { skip },
  async () => {
    const patch = '{"status":{"conditions":[{"type":"Ready","status":"False"}]}}'
    const changes = [
      ['label', 'pod', 'legacy', 'tier=front'],
      ['annotate', 'pod', 'legacy', 'note=x'],
      ['patch', 'pod', 'legacy', '--subresource=status', '-p', patch],
      ['label', 'deployment', 'legacy', 'tier=front'],
      ['scale', 'deployment', 'legacy', '--replicas=3'],
      ['patch', 'deployment', 'legacy', '-p', '{"spec":{"replicas":2}}'],
      ['patch', 'deployment', 'legacy', '--subresource=status', '-p', '{"status":{"replicas":2}}'],
      ['rollout', 'restart', 'deployment', 'legacy'],
      ['delete', 'pod', 'legacy', '--now', '--wait=false'],
    ]
    for (const change of changes) assertDone(await kubectl('-n', 'shop', ...change))
    const image = `main=${world.tagged}`
    assertRefused(await kubectl('-n', 'shop', 'set', 'image', 'deployment/legacy', image))
  },
)

test(
  'what was there before in a namespace or without a label that is mapped can be changed and goes away',
  { skip },
  async () => {
    const bare = ['--type=merge', '-p', '{"metadata":{"finalizers":null}}']
    for (const namespace of ['elsewhere', 'shop']) {
      const at = (...args: readonly string[]): Promise<Said> => kubectl('-n', namespace, ...args)
      assertDone(await at('annotate', 'pod', 'unmapped', 'note=x'))
      const image = `main=${world.good}`
      assertRefused(await at('set', 'image', 'pod/unmapped', image), /ADMISSION_TARGET/)
      assertDone(await at('delete', 'pod', 'unmapped', '--now', '--wait=false'))
      assertDone(await at('patch', 'pod', 'unmapped', ...bare))
      assert.match((await at('get', 'pod', 'unmapped')).stderr, /not found/)
    }
    const replicas = ['-n', 'elsewhere', 'patch', 'replicaset', 'unmapped']
    assertDone(await kubectl(...replicas, '-p', '{"spec":{"replicas":0}}'))
    const foreground = ['--cascade=foreground', '--wait=false']
    assertDone(await kubectl('-n', 'elsewhere', 'delete', 'replicaset', 'unmapped', ...foreground))
    // As the garbage collector does when the pods are gone.
    assertDone(await kubectl(...replicas, ...bare))
    const { stderr } = await kubectl('-n', 'elsewhere', 'get', 'replicaset', 'unmapped')
    assert.match(stderr, /not found/)
  },
)

test(
  'a pod that is as large as any, all of it signs that are escaped, can be changed and goes away',
  { skip },
  async () => {
    const containers = [{ name: 'main', image: world.good, args: ['<'.repeat(1_400_000)] }]
    const large = pod('large', { containers })
    const metadata = { ...large.metadata, finalizers: ['example.com/hold'] }
    // kubectl would escape it, too, and then it is larger than what the API server reads.
    const path = ['create', '--raw', '/api/v1/namespaces/shop/pods', '-f', '-']
    assertDone(await world.cluster.kubectl(path, { ...large, metadata }))
    const at = (...args: readonly string[]): Promise<Said> => kubectl('-n', 'shop', ...args)
    assertDone(await at('label', 'pod', 'large', 'tier=x'))
    assertDone(await at('delete', 'pod', 'large', '--now', '--wait=false'))
    const bare = ['--type=merge', '-p', '{"metadata":{"finalizers":null}}']
    assertDone(await at('patch', 'pod', 'large', ...bare))
    assert.match((await at('get', 'pod', 'large', '-o', 'name')).stderr, /not found/)
  },
)

test('a label that makes a pod belong to another target is a deployment', { skip }, async () => {
  const label = (value: string): Promise<Said> =>
    kubectl('-n', 'shop', 'label', 'pod', 'good', '--overwrite', `app=${value}`)
  assertRefused(await label('nobody'), /POLICY_MISSING/)
  assertDone(await label('shop'))
})

test(
  'a label or an artifact that comes with the status of a pod is decided, too',
  { skip },
  async () => {
    const status = (metadata: object, name = 'good'): Promise<Said> => {
      const patch = JSON.stringify({ metadata, status: { message: 'x' } })
      return kubectl('-n', 'shop', 'patch', 'pod', name, '--subresource=status', '-p', patch)
    }
    const denied = /"status\.gate\.sallyport\.dev" denied .*(POLICY|PROVENANCE)_MISSING.* fix: /s
    // The policy of staging/trial lets this image in; that of staging/shop does not.
    assertDone(await apply(pod('on-trial', world.bad, { labels: { app: 'trial' } })))
    assert.match((await status({ labels: { app: 'shop' } }, 'on-trial')).stderr, denied)
    assert.match((await status({ labels: { app: 'nobody' } })).stderr, denied)
    const annotations = { 'seccomp-profile.crio.io/main': world.bad }
    const profile = await status({ annotations })
    assert.match(profile.stderr, /annotations\["seccomp-profile.*PROVENANCE_MISSING.* fix: /s)
    assertDone(await status({ labels: { app: 'tools' } }))
    assertDone(await status({ labels: { app: 'shop' } }))
    await world.gate().kill()
    try {
      assertDone(await status({ labels: { app: 'shop' }, annotations: { 'cni.example/ip': 'x' } }))
      assert.match((await status({ labels: { app: 'tools' } })).stderr, /failed calling webhook/)
      assert.match((await status({ annotations })).stderr, /failed calling webhook/)
    } finally {
      await world.startGate()
    }
  },
)

test(
  'a binding brings no artifact and no label into a pod that was decided about',
  { skip },
  async () => {
    const { cluster, good, bad } = world
    assertDone(await cluster.kubectl(['apply', '-f', join(deployFolder, 'gate/bindings.yaml')]))
    assertDone(await apply(pod('bound', good)))
    const bind = (name: string, more: object): Promise<Said> => {
      const target = { apiVersion: 'v1', kind: 'Node', name: 'node' }
      const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name, ...more }, target }
      const path = `/api/v1/namespaces/shop/pods/${name}/binding`
      return cluster.kubectl(['create', '--raw', path, '-f', '-'], binding)
    }
    const annotations = { 'seccomp-profile.crio.io/main': bad }
    // Of a pod that is not there: what the policy lets through binds nothing.
    await until('the policy is in force', async () =>
      /must not bring an artifact/.test((await bind('nobody', { annotations })).stderr),
    )
    assert.match((await bind('bound', { annotations })).stderr, /must not bring an artifact/)
    const { stderr } = await bind('bound', { labels: { app: 'tools' } })
    assert.match(stderr, /must not bring labels/)
    const zone = { 'topology.kubernetes.io/zone': 'here' }
    assertDone(await bind('bound', { labels: zone, annotations: { note: 'x' } }))
    const now = (await kubectl('-n', 'shop', 'get', 'pod', 'bound', '-o', 'json')).stdout
    assert.match(now, /"nodeName": "node"/)
  },
)

test(
  'the target comes from the namespace and the labels, and from nothing else',
  { skip },
  async () => {
    const { good } = world
    assertDone(await apply(pod('good', good, { namespace: 'tools', labels: {} })))
    assertRefused(
      await apply(pod('nameless', good, { labels: {} })),
      /ADMISSION_TARGET/,
      /label app/,
    )
    assertRefused(
      await apply(pod('good', good, { namespace: 'elsewhere' })),
      /ADMISSION_TARGET/,
      /admission\.namespaces in .*sallyport\.yaml/,
    )
    assertRefused(await apply(pod('other', good, { labels: { app: 'nobody' } })), /POLICY_MISSING/)
  },
)

test('evidence may travel in an annotation, and counts for its image only', { skip }, async () => {
  const { carried, bad } = world
  const annotations = { 'sallyport.dev/evidence': carried.evidence }
  assertRefused(await apply(pod('carried', carried.image)))
  assertDone(await apply(pod('carried', carried.image, { annotations })))
  assertRefused(await apply(pod('stolen', bad, { annotations })))
})

test(
  'the annotation of a pod with two containers vouches for both, with the registry gone, too',
  { skip },
  async () => {
    const { carried, alsoCarried, registry } = world
    const images = [carried, alsoCarried]
    const containers = images.map(({ image }, index) => ({ name: `c${index}`, image }))
    const two = (name: string, evidence: readonly string[]) => {
      const annotations = { 'sallyport.dev/evidence': evidence.join('\n') }
      return pod(name, { containers }, { annotations })
    }
    const [one, other] = images.map(({ evidence }) => evidence.trim())
    assert.ok(one !== undefined && other !== undefined)
    registry.fault(/./, 'reset')
    try {
      assertRefused(await apply(two('stripped', [one])), /spec\.containers\[1\]\.image/)
      assertRefused(await apply(two('stripped', [other])), /spec\.containers\[0\]\.image/)
      assertDone(await apply(two('both', [one, other])))
    } finally {
      registry.heal()
    }
    assertRefused(await apply(two('stripped', [other])), /spec\.containers\[0\]\.image/)
  },
)

test('a dry run has the same answer and leaves no record', { skip }, async () => {
  const size = await world.logSize()
  assertDone(await apply(pod('dry', world.good), '--dry-run=server'))
  assertRefused(await apply(pod('dry', world.bad), '--dry-run=server'), /not recorded: dry run/)
  assertRefused(await apply(pod('dry', world.tagged), '--dry-run=server'))
  assert.equal(await world.logSize(), size)
  await apply(pod('wet', world.bad))
  assert.equal(await world.logSize(), size + 1)
})

test(
  'what is let in against the verdict is a warning to whoever deployed it',
  { skip },
  async () => {
    const said = await apply(pod('trial', world.bad, { namespace: 'trial' }))
    assertDone(said)
    assert.match(said.stderr, /^Warning: spec\.containers\[0\]\.image: DENY, admitted-audit: PROV/m)
  },
)

test('the API server’s own audit log says what was decided and where it stands', { skip }, () => {
  const isReal = (line: string): boolean => !line.includes('dryRun=All')
  const events = world.cluster.audit().split('\n').filter(isReal)
  const event = (name: string): string =>
    events.find((line) => line.includes(`/pods`) && line.includes(name)) ?? ''
  const denied = event('"gate.sallyport.dev/verdicts":"DENY"')
  assert.match(denied, /"gate\.sallyport\.dev\/entries":"\d+"/)
  assert.match(event('"gate.sallyport.dev/reasons":"ADMISSION_UNPINNED"'), /"code":403/)
  assert.match(event('"gate.sallyport.dev/verdicts":"ALLOW"'), /"code":201/)
})

test('a kind of somebody’s own is asked about once it is configured', { skip }, async () => {
  assertDone(await apply(rolloutKind))
  const [config] = await world.manifests('webhook')
  const [webhook] = config?.webhooks ?? []
  const rule = { apiGroups: ['acme.example'], apiVersions: ['*'], operations: ['CREATE', 'UPDATE'] }
  const rules = [{ ...rule, resources: ['rollouts'] }]
  const kind = { ...config, metadata: { name: 'own-kinds' }, webhooks: [{ ...webhook, rules }] }
  assertDone(await apply(kind))
  await kubectl('wait', '--for=condition=Established', 'crd/rollouts.acme.example')
  const rollout = (image: string, more = {}) => {
    const { metadata, spec } = pod('rolling', image)
    const template = { metadata: { labels: metadata.labels }, spec, ...more }
    return { apiVersion: 'acme.example/v1', kind: 'Rollout', metadata, spec: { template } }
  }
  await until('the webhook is in force', () => isRefused(rollout(world.bad)))
  assertRefused(await apply(rollout(world.bad)), /spec\.template\.spec\.containers\[0\]\.image/)
  const posing = { kind: 'EphemeralContainers', ephemeralContainers: [] }
  assertRefused(await apply(rollout(world.bad, posing)), /spec\.template\.spec\.containers/)
  assertDone(await apply(rollout(world.good)))
})

const rolloutKind = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'rollouts.acme.example' },
  spec: {
    group: 'acme.example',
    scope: 'Namespaced',
    names: { plural: 'rollouts', singular: 'rollout', kind: 'Rollout' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        },
      },
    ],
  },
}

test('Gatekeeper is answered about the same images', { skip }, async () => {
  const keys = [world.good, world.bad].map((image) => `staging|shop|${image}`)
  const request = {
    apiVersion: 'externaldata.gatekeeper.sh/v1beta1',
    kind: 'ProviderRequest',
    request: { keys },
  }
  const said = JSON.parse(await world.ask('/gatekeeper/v1/validate', request)) as {
    response: { items: { value?: { effect: string }; error?: string }[] }
  }
  const [good, bad] = said.response.items
  assert.equal(good?.value?.effect, 'admitted')
  assert.match(bad?.error ?? '', /PROVENANCE_MISSING/)
})

test(
  'with the webhook that pins, a pod may name a tag, and the digest is what runs',
  { skip },
  async () => {
    await world.apply('components/pin')
    await until('tags are pinned', async () => !(await isRefused(pod('pinned', world.tagged))))
    assertDone(await apply(pod('pinned', world.tagged)))
    const image = [
      '-n',
      'shop',
      'get',
      'pod',
      'pinned',
      '-o',
      'jsonpath={.spec.containers[0].image}',
    ]
    assert.equal((await kubectl(...image)).stdout, `${world.tagged}@${world.good.split('@')[1]}`)
    assertRefused(await apply(pod('pinned-bad', badTag())), /PROVENANCE_MISSING/)
  },
)

test(
  'with the webhook that pins, a container for debugging may name a tag, and no other is touched',
  { skip },
  async () => {
    assertDone(await debug('debugged', world.tagged, 'tagged'))
    const path = 'jsonpath={.spec.containers[*].image} {.spec.ephemeralContainers[*].image}'
    const { stdout } = await kubectl('-n', 'shop', 'get', 'pod', 'debugged', '-o', path)
    const pinned = `${world.tagged}@${world.good.split('@')[1]}`
    assert.deepEqual(stdout.split(' '), [badTag(), badTag(), world.good, pinned])
    const events = world.cluster.audit().split('\n')
    const isIt = (line: string): boolean => line.includes('/pods/debugged/ephemeralcontainers')
    assert.match(
      events.findLast(isIt) ?? '',
      new RegExp(`"pin\\.sallyport\\.dev/pinned":"${pinned}"`),
    )
  },
)

test(
  'the API server proves who it is, and nobody else is answered at the webhook',
  { skip },
  async () => {
    const review = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: {} }
    // The token of the test may ask the API, and is no API server.
    assert.match(
      await world.ask('/admission/validate', review),
      /ACCESS_UNAUTHENTICATED.*admission\.clients/,
    )
    assert.equal(await world.ask('/readyz'), 'ready\n', 'a webhook that is open would be a warning')
    await apply(pod('mine', world.bad))
    const newest = JSON.parse(await world.ask('/api/v1/decisions?limit=1')) as {
      entries: { body: { request: { requester: string; asked: Record<string, string> } } }[]
    }
    const { requester, asked } = newest.entries[0]?.body.request ?? assert.fail()
    assert.equal(requester, 'administrator')
    const { operation, kind, name, image } = asked
    assert.deepEqual([operation, kind, name, image], ['CREATE', '/Pod', 'mine', world.bad])
  },
)

test(
  'who says yes at the address of the gate, and cannot prove to be the gate, lets nothing in',
  { skip },
  async () => {
    const { cluster, gateAddress, good } = world
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-impostor-'))
    const own = makeAuthority(folder, 'impostor').issue('gate', 'gate')
    const ofTheGate = {
      certificate: join(cluster.folder, 'tls.crt'),
      key: join(cluster.folder, 'tls.key'),
    }
    await world.gate().kill()
    try {
      const fake = await startYes(gateAddress, own)
      try {
        const said = await apply(pod('fooled', good))
        assert.equal(said.exit, 1, 'it was admitted')
        assert.match(said.stderr, /failed calling webhook "(?:gate|pin)\.sallyport\.dev".* x509: /)
        assert.equal(fake.heard(), 0)
      } finally {
        await fake.close()
      }
      // With the key of the gate it is believed: that, and nothing else, is what the other one did not have.
      const thief = await startYes(gateAddress, ofTheGate)
      try {
        assertDone(await apply(pod('fooled', world.bad, { labels: { app: 'fooled' } })))
        assert.ok(thief.heard() > 0)
      } finally {
        await thief.close()
      }
    } finally {
      await world.startGate()
      rmSync(folder, { recursive: true })
    }
  },
)

/** Answers every review at this address with yes. */
async function startYes(address: string, { certificate, key }: Pair) {
  let heard = 0
  const options = { cert: readFileSync(certificate), key: readFileSync(key) }
  const server = createServer(options, (request, response) => {
    heard += 1
    void json(request).then((asked) => {
      const { uid } = (asked as { request: { uid: string } }).request
      const answer = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' }
      const headers = { 'content-type': 'application/json', connection: 'close' }
      response.writeHead(200, headers)
      response.end(JSON.stringify({ ...answer, response: { uid, allowed: true } }))
    })
  })
  server.on('tlsClientError', () => undefined)
  const { hostname, port } = new URL(address)
  server.listen(Number(port), hostname)
  await once(server, 'listening')
  return {
    heard: () => heard,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

test('every answer is in the log, which verifies and replays', { skip }, async () => {
  for (const work of ['verify', 'replay']) {
    const said = await world.sallyport('log', work)
    assert.equal(said.exit, 0, said.stderr)
  }
})
