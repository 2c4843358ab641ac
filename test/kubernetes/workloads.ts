// What workloads meet in a guarded cluster whose controllers run: each makes its requests as the service account it has.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { keyEntry } from '../../src/core/trust/testing/fixtures.ts'
import { predicateTypes } from '#attestation'
import type { Cluster, Said } from './api-server.ts'
import { granted, people } from './glass.ts'
import type { KubernetesObject } from './objects.ts'
import { until } from './processes.ts'

/** A cluster as "Install in ten minutes" leaves it. */
export interface Guarded {
  readonly cluster: Cluster
  /** The home folder of the gate, as the administrator has it. */
  readonly home: string
  /** The gate lets `good` and `next` in, until only what was built from `main` may: that is `next`. */
  readonly images: Readonly<Record<'good' | 'next' | 'bad' | 'tagged', string>>
  /** Brings what was changed in `home` into the cluster, as the page says. */
  publish(): Promise<void>
}

const accounts = 'system:serviceaccount:kube-system:'

interface Shape {
  readonly replicas?: number
  /** Of the pods. */
  readonly annotations?: Readonly<Record<string, string>>
  /** Of the workload itself. */
  readonly own?: Readonly<Record<string, string>>
}

const versions = {
  Deployment: 'apps/v1',
  StatefulSet: 'apps/v1',
  DaemonSet: 'apps/v1',
  ReplicationController: 'v1',
  Job: 'batch/v1',
  CronJob: 'batch/v1',
} as const
type Kind = keyof typeof versions

function workload(kind: Kind, name: string, image: string, shape: Shape = {}): KubernetesObject {
  const { replicas = 1, annotations = {}, own = {} } = shape
  const labels = { app: 'shop', run: name }
  const spec = { containers: [{ name: 'main', image }] }
  const template = { metadata: { labels, annotations }, spec }
  const jobTemplate = { ...template, spec: { ...spec, restartPolicy: 'Never' } }
  const metadata = { name, namespace: 'shop', annotations: own }
  const selector = { matchLabels: { run: name } }
  const apps = (more: object) => ({ selector, template, ...more })
  const specs: Readonly<Record<Kind, object>> = {
    Deployment: apps({ replicas }),
    StatefulSet: apps({ replicas, serviceName: name }),
    DaemonSet: apps({}),
    ReplicationController: { template, selector: { run: name } },
    Job: { template: jobTemplate },
    CronJob: { schedule: '* * * * *', jobTemplate: { spec: { template: jobTemplate } } },
  }
  return { apiVersion: versions[kind], kind, metadata, spec: specs[kind] }
}

export function workloadTests(guarded: () => Guarded): void {
  const kubectl = (...args: readonly string[]): Promise<Said> =>
    guarded().cluster.kubectl(['-n', 'shop', ...args])
  const apply = (object: unknown): Promise<Said> =>
    guarded().cluster.kubectl(['apply', '-f', '-'], object)
  const images = () => guarded().images
  /** Pods that run, with the image that they run. */
  const running = async (name: string): Promise<readonly string[]> => {
    const path =
      '{range .items[?(@.status.phase!="Pending")]}{.spec.containers[0].image}{"\\n"}{end}'
    const { stdout } = await kubectl('get', 'pods', '-l', `run=${name}`, '-o', `jsonpath=${path}`)
    return stdout.split('\n').filter((line) => line !== '')
  }
  const runs = async (name: string, expected: readonly string[]): Promise<void> =>
    until(`${expected.length} pods of ${name}`, async () => {
      return (await running(name)).join() === expected.join()
    })
  /** Why a controller gets no pods, as `kubectl get events` shows it. */
  const failures = async (): Promise<string> =>
    (await kubectl('get', 'events', '--field-selector', 'reason=FailedCreate')).stdout
  /** What the API server was told about requests of one account, in its audit log. */
  const asked = (account: string, resource: string) =>
    guarded()
      .cluster.audit()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as AuditEvent)
      .filter(({ user, objectRef, verb }) => {
        const { namespace, resource: kind } = objectRef ?? {}
        return (
          user.username === account &&
          verb === 'create' &&
          kind === resource &&
          namespace === 'shop'
        )
      })
      .map(({ annotations = {} }) => annotations['gate.sallyport.dev/effects'])
  /** Asks until the answer is so; when it never is, the last answer is what is told. */
  const eventually = async (ask: () => Promise<string>, expected: RegExp): Promise<void> => {
    let last = ''
    const isSo = async (): Promise<boolean> => expected.test((last = await ask()))
    await until(String(expected), isSo).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${last}`)
    })
  }
  const condition = async (name: string, which: string): Promise<string> => {
    const path = `jsonpath={.status.conditions[?(${which})].message}`
    return (await kubectl('get', 'deployment', name, '-o', path)).stdout
  }
  /** What the gate says about a Deployment now, without making it. */
  const said = async (object: KubernetesObject): Promise<string> => {
    const asking = ['apply', '--dry-run=server', '-f', '-']
    const { stdout, stderr } = await guarded().cluster.kubectl(asking, object)
    return `${stdout}${stderr}`
  }
  /** Changes a file of the gate's home. */
  const change = async (file: string, from: string | RegExp, to: string): Promise<void> => {
    const path = join(guarded().home, file)
    const text = readFileSync(path, 'utf8')
    const changed = text.replace(from, to)
    assert.notEqual(changed, text)
    writeFileSync(path, changed)
  }

  test('a Deployment gets its pods, and everybody on the way was asked about', async () => {
    assertDone(await apply(workload('Deployment', 'web', images().good, { replicas: 2 })))
    assertDone(await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s'))
    await runs('web', [images().good, images().good])
    assert.deepEqual(asked('administrator', 'deployments').at(-1), 'admitted')
    assert.deepEqual(asked(`${accounts}deployment-controller`, 'replicasets'), ['admitted'])
    assert.deepEqual(asked(`${accounts}replicaset-controller`, 'pods'), ['admitted', 'admitted'])
  })

  test('a bad template is refused where it is written, with what to do, and nothing is made', async () => {
    const { bad, tagged } = images()
    const said = await apply(workload('Deployment', 'bad', bad))
    assert.equal(said.exit, 1)
    assert.match(
      said.stderr,
      /spec\.template\.spec\.containers\[0\]\.image: denied: .* may not run in staging\/shop\n {2}PROVENANCE_MISSING: .*\n {4}expected: .*\n {4}found: .*\n {4}fix: .*sallyport attach/s,
    )
    assert.match(
      (await apply(workload('Deployment', 'bad', tagged))).stderr,
      /ADMISSION_UNPINNED.*fix: .*@sha256:/s,
    )
    assert.equal((await kubectl('get', 'deployments,replicasets,pods', '-l', 'run=bad')).stdout, '')
  })

  test('every other kind gets its pods from its controller', async () => {
    const kinds = {
      StatefulSet: 'statefulset-controller',
      DaemonSet: 'daemon-set-controller',
      ReplicationController: 'replication-controller',
      Job: 'job-controller',
      CronJob: 'job-controller',
    }
    const { good, bad } = images()
    for (const kind of Object.keys(kinds) as (keyof typeof kinds)[]) {
      assert.match((await apply(workload(kind, 'bad', bad))).stderr, /PROVENANCE_MISSING/, kind)
      assertDone(await apply(workload(kind, kind.toLowerCase(), good)))
    }
    // The last time was two minutes ago.
    const lastScheduleTime = new Date(Date.now() - 120_000).toISOString().replace(/\.\d+/, '')
    const status = JSON.stringify({ status: { lastScheduleTime } })
    assertDone(await kubectl('patch', 'cronjob', 'cronjob', '--subresource=status', '-p', status))
    for (const [kind, controller] of Object.entries(kinds)) {
      await runs(kind.toLowerCase(), [good])
      assert.ok(asked(`${accounts}${controller}`, 'pods').includes('admitted'), kind)
    }
    assert.deepEqual(asked(`${accounts}cronjob-controller`, 'jobs'), ['admitted'])
    assertDone(await kubectl('wait', '--for=condition=Complete', 'job/job', '--timeout=60s'))
    assertDone(await kubectl('delete', 'cronjob', 'cronjob'))
  })

  test('a rollout replaces the pods, one to a bad image is refused, and the way back is open', async () => {
    const { good, next, bad } = images()
    const set = (image: string): Promise<Said> =>
      kubectl('set', 'image', 'deployment/web', `main=${image}`)
    const rolled = async (image: string): Promise<void> => {
      assertDone(await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s'))
      await runs('web', [image, image])
    }
    assertDone(await set(next))
    await rolled(next)
    assert.match((await set(bad)).stderr, /denied: .*PROVENANCE_MISSING/s)
    assertDone(await kubectl('rollout', 'undo', 'deployment/web'))
    await rolled(good)
  })

  describe('an image that was good and is not any more', () => {
    before(async () => {
      await change('policies/staging.yaml', /refs: .*/, 'refs: [refs/heads/main]')
      await guarded().publish()
      await eventually(() => said(workload('Deployment', 'probe', images().good)), /denied/)
    })

    test('goes on running; scaling up is accepted and brings no more pods, and the workload says why', async () => {
      const { good } = images()
      assertDone(await kubectl('scale', 'deployment/web', '--replicas=4'))
      const refused = /gate\.sallyport\.dev.*denied: .*may not run in staging\/shop/s
      await eventually(() => condition('web', '@.type=="ReplicaFailure"'), refused)
      assert.match(await failures(), /replicaset\/web-\S+ .*denied/)
      assert.deepEqual(await running('web'), [good, good])
    })

    test('is not brought back: not where a pod is lost, and not by a restart', async () => {
      const { good } = images()
      const { stdout } = await kubectl('get', 'pods', '-l', 'run=web', '-o', 'name')
      assertDone(await kubectl('delete', stdout.split('\n')[0] ?? ''))
      await runs('web', [good])
      assertDone(await kubectl('rollout', 'restart', 'deployment/web'))
      await eventually(() => condition('web', '@.reason=="ReplicaSetCreateError"'), /denied/)
      assert.deepEqual(await running('web'), [good])
    })

    test('is replaced by one that the policy lets in', async () => {
      const { next } = images()
      assertDone(await kubectl('set', 'image', 'deployment/web', `main=${next}`))
      assertDone(await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s'))
      await runs('web', [next, next, next, next])
      assert.match((await kubectl('rollout', 'undo', 'deployment/web')).stderr, /denied/)
    })
  })

  describe('breakglass', () => {
    const rules = ['artifacts', 'require[0].built', 'require[1].hermetic']
    const grant = () => ({
      'sallyport.dev/breakglass': granted(images().bad, rules).toString('base64'),
    })
    const fix = (name: string, shape: Shape) => workload('Deployment', name, images().bad, shape)

    before(async () => {
      const predicates = [predicateTypes.breakglass]
      const sre = { keys: [keyEntry(people.erin, { owner: 'erin' })], predicateTypes: predicates }
      await change('trust.yaml', 'signers:\n', `signers:\n  sre: ${JSON.stringify(sre)}\n`)
      const terms = 'breakglass: {approvers: [sre], maxDuration: 2h}\nmode: enforce'
      await change('policies/staging.yaml', 'mode: enforce', terms)
      await guarded().publish()
      await eventually(() => said(fix('probe', { annotations: grant() })), /server dry run/)
    })

    test('on the Deployment alone opens nothing: its pods would not have it', async () => {
      const { stderr } = await apply(fix('fix', { own: grant() }))
      assert.match(
        stderr,
        /PROVENANCE_MISSING.*the annotation sallyport\.dev\/breakglass of the pods/s,
      )
    })

    test('in the pod template carries to every pod, for as long as it counts', async () => {
      const annotations = grant()
      const { exit, stderr } = await apply(fix('fix', { annotations, replicas: 2 }))
      assert.equal(exit, 0, stderr)
      assert.match(stderr, /^Warning: .*BREAKGLASS by erin/m)
      assertDone(await kubectl('rollout', 'status', 'deployment/fix', '--timeout=60s'))
      const glass = 'admitted-breakglass'
      assert.equal(asked('administrator', 'deployments').at(-1), glass)
      assert.equal(asked(`${accounts}deployment-controller`, 'replicasets').at(-1), glass)
      assert.deepEqual(asked(`${accounts}replicaset-controller`, 'pods').slice(-2), [glass, glass])
      // Its end would have to be waited for; a grant that is too long by now is over, too.
      await change('policies/staging.yaml', 'maxDuration: 2h', 'maxDuration: 30m')
      await guarded().publish()
      await eventually(() => said(fix('late', { annotations })), /BREAKGLASS_TOO_LONG/)
      assertDone(await kubectl('scale', 'deployment/fix', '--replicas=3'))
      await eventually(() => condition('fix', '@.type=="ReplicaFailure"'), /BREAKGLASS_TOO_LONG/)
      await runs('fix', [images().bad, images().bad])
    })
  })

  test('where a policy says who may deploy, the controllers are among them, or workloads get nothing and say so', async () => {
    const { next } = images()
    const list = (names: readonly string[]): string =>
      `deployers: [${names.map((name) => `'kubernetes:${name}'`).join(', ')}]\n`
    const named = ['administrator']
    await change('policies/staging.yaml', /^require:/m, `${list(named)}require:`)
    await guarded().publish()
    const somebody = workload('Deployment', 'named', next)
    const asSomebody = [
      'apply',
      '--as=somebody',
      '--as-group=system:masters',
      '--dry-run=server',
      '-f',
      '-',
    ]
    await eventually(async () => {
      return (await guarded().cluster.kubectl(asSomebody, somebody)).stderr
    }, /DEPLOYER_NOT_ALLOWED/)
    assertDone(await apply(somebody))
    await eventually(
      () => condition('named', '@.reason=="ReplicaSetCreateError"'),
      /deployment-controller/,
    )
    assert.deepEqual(await running('named'), [])
    for (const name of ['deployment-controller', 'replicaset-controller'])
      named.push(`${accounts}${name}`)
    await change('policies/staging.yaml', /^deployers: .*\n/m, list(named))
    await guarded().publish()
    // The controller tries again by itself, after pauses that grow; a change of the Deployment is tried at once.
    await until('its pod is there', async () => {
      await kubectl('annotate', 'deployment', 'named', '--overwrite', `note=${performance.now()}`)
      return (await running('named')).length === 1
    })
  })
}

interface AuditEvent {
  readonly verb: string
  readonly user: { readonly username: string }
  readonly objectRef?: { readonly resource?: string; readonly namespace?: string }
  readonly annotations?: Readonly<Record<string, string>>
}

function assertDone({ exit, stdout, stderr }: Said): void {
  assert.equal(exit, 0, `${stdout}${stderr}`)
}
