// Breakglass through a real API server: who may, what it opens, who hears of it and when, and what opens nothing.
import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { home } from '../scenarios/home-folder.ts'
import { runInProcess } from '../scenarios/in-process.ts'
import { skip, type Said } from './api-server.ts'
import { digestOf, granted, offerBreakglass, people, startPager, type Pager } from './glass.ts'
import { pod, templates } from './objects.ts'
import { until } from './processes.ts'
import { deployFolder, startWorld, type World } from './world.ts'

let world: World
let pager: Pager
/** What the policy would have to waive for the image without evidence. */
let rules: readonly string[] = []
/** When the webhook was in force. */
let begin = ''

const apply = (object: unknown, ...more: readonly string[]): Promise<Said> =>
  world.cluster.kubectl(['apply', '-f', '-', ...more], object)
const kubectl = (...args: readonly string[]): Promise<Said> => world.cluster.kubectl(args)
const carrying = (name: string, grant: Buffer | string, more = {}) => {
  const value = typeof grant === 'string' ? grant : grant.toString('base64')
  return pod(name, world.bad, { annotations: { 'sallyport.dev/breakglass': value }, ...more })
}
const used = () => pager.heard.filter(({ type }) => type === 'breakglass-used')

before(async () => {
  if (skip !== false) return
  world = await startWorld()
  pager = await startPager()
  offerBreakglass(world, pager)
  await world.startGate()
  for (const name of ['shop', 'tools']) await kubectl('create', 'namespace', name)
  assertDone(await apply(templates('legacy', world.bad)[0]))
  await world.apply('webhook')
  const bad = pod('probe', world.bad)
  await until('the webhook is in force', async () => (await apply(bad)).exit !== 0)
  begin = new Date().toISOString()
})

after(async () => {
  await world?.stop()
  pager?.close()
})

function assertDone({ exit, stderr }: Said): void {
  assert.equal(exit, 0, stderr)
}

test('a refusal says how to break the glass, who may, and where nobody may', { skip }, async () => {
  const said = await apply(pod('bad', world.bad))
  assert.equal(said.exit, 1)
  const how = `in an emergency: sallyport breakglass request oci://${world.bad} --environment staging --service shop --reason WHY --incident REFERENCE; 1 of sre approves; the grant goes into the annotation sallyport.dev/breakglass of the pods`
  assert.ok(said.stderr.includes(how), said.stderr)
  const tools = await apply(pod('bad', world.bad, { namespace: 'tools', labels: {} }))
  assert.match(tools.stderr, /in an emergency: nobody may break the glass for this target/)
})

test(
  'following it, the pod is admitted, and the alarm is heard before anything is there',
  { skip },
  async () => {
    const key = await world.sallyport('breakglass', 'key', '--json')
    const trust = join(world.home, 'trust.yaml')
    const entry = JSON.stringify({
      keys: [
        { publicKey: key.json['publicKeyPem'], owner: 'gina', validFrom: '2026-01-01T00:00:00Z' },
      ],
      predicateTypes: ['https://sallyport.dev/attestation/breakglass/v1'],
    })
    const signers = `signers:\n  sre-oncall: ${entry}\n`
    writeFileSync(trust, readFileSync(trust, 'utf8').replace('signers:\n', signers))
    const policy = join(world.home, 'policies/staging.yaml')
    writeFileSync(
      policy,
      readFileSync(policy, 'utf8').replace('approvers: [sre]', 'approvers: [sre, sre-oncall]'),
    )
    const request = [
      'request',
      `oci://${world.bad}`,
      '--environment',
      'staging',
      '--service',
      'shop',
    ]
    const output = ['--output', join(world.home, 'request.json')]
    const why = ['--reason', 'checkout is down', '--incident', 'INC-17', '--requester', 'dave']
    const asked = await world.sallyport('breakglass', ...request, ...why, ...output, '--json')
    assert.equal(asked.exit, 0, asked.stderr)
    rules = (asked.json['request'] as { rules: readonly string[] }).rules
    const approved = await world.sallyport(
      'breakglass',
      'approve',
      String(asked.json['file']),
      '--output',
      join(world.home, 'grant.json'),
      '--json',
    )
    const file = String(approved.json['file'])
    const use = await world.sallyport(
      'breakglass',
      'use',
      `sha256:${digestOf(world.bad)}`,
      file,
      '--json',
    )
    const { value } = use.json['annotation'] as { value: string }
    let sawAtAlarm: Promise<Said> | undefined
    pager.onHeard = async () => {
      sawAtAlarm = kubectl('get', 'pod', 'fix', '-n', 'shop')
      await sawAtAlarm
    }
    // The gate reads its policies every two seconds.
    await until('the approver is known', async () => {
      const dry = await apply(carrying('fix', value), '--dry-run=server')
      return dry.exit === 0
    })
    assert.deepEqual(used(), [], 'a dry run uses nothing')
    const said = await apply(carrying('fix', value))
    assertDone(said)
    assert.match((await sawAtAlarm)?.stderr ?? '', /pods "fix" not found/)
    pager.onHeard = () => Promise.resolve()
    const [event] = used()
    assert.deepEqual(
      [event?.verdict, event?.requester, event?.breakglass?.approvers],
      ['DENY', 'administrator', ['gina']],
    )
    assert.match(
      said.stderr,
      /^Warning: spec\.containers\[0\]\.image: BREAKGLASS by gina until .*; review before .*; grant [0-9a-f]{12}/m,
    )
    const isUse = (line: string): boolean =>
      line.includes('/effects":"admitted-breakglass"') && !line.includes('dryRun=All')
    const audited = world.cluster.audit().split('\n').find(isUse) ?? ''
    assert.match(audited, new RegExp(`"gate\\.sallyport\\.dev/entries":"${event?.entry}"`))
  },
)

test('a pager that takes its time holds nobody up for long', { skip }, async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  pager.onHeard = () => promise
  const began = performance.now()
  assertDone(await apply(carrying('slow', granted(world.bad, rules))))
  assert.ok(performance.now() - began < 9_000)
  pager.onHeard = () => Promise.resolve()
  resolve()
})

test(
  'a grant that is over, for something else, or of nobody opens nothing and says why',
  { skip },
  async () => {
    const { bad, good } = world
    const hours = (count: number): string => new Date(Date.now() + count * 3_600_000).toISOString()
    const tampered = JSON.parse(granted(bad, rules).toString()) as {
      dsseEnvelope: { payload: string }
    }
    const payload = Buffer.from(tampered.dsseEnvelope.payload, 'base64').toString()
    tampered.dsseEnvelope.payload = Buffer.from(payload.replace('INC-17', 'INC-18')).toString(
      'base64',
    )
    const administrator = people.administrator
    const cases: readonly (readonly [string, Buffer | string, RegExp])[] = [
      [
        'over',
        granted(bad, rules, { notBefore: hours(-2), expires: hours(-1) }),
        /BREAKGLASS_EXPIRED/,
      ],
      [
        'early',
        granted(bad, rules, { notBefore: hours(1), expires: hours(2) }),
        /BREAKGLASS_NOT_YET/,
      ],
      ['long', granted(bad, rules, { expires: hours(5) }), /BREAKGLASS_TOO_LONG/],
      ['digest', granted(good, rules), /BREAKGLASS_OTHER_ARTIFACT/],
      [
        'environment',
        granted(bad, rules, { environment: 'production' }),
        /BREAKGLASS_OTHER_TARGET/,
      ],
      ['service', granted(bad, rules, { service: 'tools' }), /BREAKGLASS_OTHER_TARGET/],
      ['half', granted(bad, rules.slice(1)), /BREAKGLASS_RULES/],
      ['other-signer', granted(bad, rules, {}, people.frank), /BREAKGLASS_NOT_APPROVER/],
      ['own', granted(bad, rules, {}, administrator), /BREAKGLASS_SELF_APPROVED/],
      ['asker', granted(bad, rules, { requester: 'Erin' }), /BREAKGLASS_SELF_APPROVED/],
      ['old-key', granted(bad, rules, {}, people.retired), /KEY_RETIRED/],
      ['stranger', granted(bad, rules, {}, people.mallory), /SIGNATURE_UNKNOWN_KEY/],
      ['changed', JSON.stringify(tampered), /SIGNATURE_INVALID/],
      ['nonsense', 'true', /DOCUMENT|ATTESTATION|EVIDENCE|BREAKGLASS/],
    ]
    const heard = used().length
    const entries = await world.logSize()
    for (const [name, grant, code] of cases) {
      const said = await apply(carrying(name, grant))
      assert.equal(said.exit, 1, `${name} was admitted`)
      assert.match(said.stderr, code, name)
    }
    assert.equal(used().length, heard, 'nothing was used')
    assert.equal(await world.logSize(), entries + cases.length, 'every attempt is recorded')
  },
)

test(
  'a grant in a template that was there before the gate is held against whoever writes it there',
  { skip },
  async () => {
    const legacy = (name: string, grant: Buffer): Promise<Said> => {
      const annotations = { [name]: grant.toString('base64') }
      const patch = JSON.stringify({ spec: { template: { metadata: { annotations } } } })
      return kubectl('-n', 'shop', 'patch', 'deployment', 'legacy', '-p', patch)
    }
    const heard = used().length
    const own = granted(world.bad, rules, {}, people.administrator)
    for (const name of ['sallyport.dev/breakglass', 'sallyport.dev/evidence']) {
      const said = await legacy(name, own)
      assert.equal(said.exit, 1, `${name} was admitted`)
      assert.match(said.stderr, /BREAKGLASS_SELF_APPROVED/)
    }
    assert.equal(used().length, heard)
    assertDone(await legacy('sallyport.dev/breakglass', granted(world.bad, rules)))
    const use = used().at(-1)
    assert.equal(used().length, heard + 1)
    assert.deepEqual([use?.requester, use?.breakglass?.approvers], ['administrator', ['erin']])
    assertDone(await kubectl('-n', 'shop', 'scale', 'deployment', 'legacy', '--replicas=2'))
    assertDone(await kubectl('-n', 'shop', 'rollout', 'restart', 'deployment', 'legacy'))
    assert.equal(used().length, heard + 1, 'it was there before')
  },
)

test(
  'a grant is for its bytes, its target and its time: within them each use rings, after them it is refused',
  { skip },
  async () => {
    const expires = new Date(Date.now() + 12_000).toISOString()
    const grant = granted(world.bad, rules, { expires })
    assertDone(await apply(carrying('once', grant)))
    const heard = used().length
    assertDone(await apply(carrying('twice', grant)))
    assert.equal(used().length, heard + 1)
    const elsewhere = await apply(carrying('there', grant, { namespace: 'tools', labels: {} }))
    assert.match(elsewhere.stderr, /BREAKGLASS_NOT_OFFERED/)
    let said: Said | undefined
    let count = 0
    await until('the grant is over', async () => {
      said = await apply(carrying(`again-${(count += 1)}`, grant))
      return said.exit !== 0
    })
    assert.match(said?.stderr ?? '', /BREAKGLASS_EXPIRED/)
  },
)

test(
  'with the gate down: verified on another machine, let in alone by hand, recorded by the gate afterwards',
  { skip },
  async () => {
    const dir = mkdtempSync(join(tmpdir(), 'sallyport-elsewhere-'))
    await world.gate().kill()
    try {
      const fix = pod('by-hand', world.bad)
      assert.match((await apply(fix)).stderr, /failed calling webhook "gate\.sallyport\.dev"/)
      // Another machine has the policies, the trust file, and a log of its own.
      await home([], dir)
      for (const name of ['policies', 'trust.yaml'])
        cpSync(join(world.home, name), join(dir, '.sallyport', name), { recursive: true })
      mkdirSync(join(dir, 'grants'))
      const file = join(dir, 'grants', 'grant.json')
      writeFileSync(file, granted(world.bad, rules, { reason: 'the gate is down' }))
      const target = ['--environment', 'staging', '--service', 'shop']
      const artifact = `sha256:${digestOf(world.bad)}`
      const verify = (...more: readonly string[]) =>
        runInProcess(['verify', artifact, ...target, ...more, '--json'], { dir })
      assert.equal((await verify()).exit, 1, 'without the grant it is refused there, too')
      const verified = await verify('--bundle', file)
      assert.deepEqual([verified.exit, verified.json.decision?.effect], [0, 'admitted-breakglass'])
      const letInAt = new Date()
      assertDone(await kubectl(...handWork('add', world.bad)))
      await until('the API server has heard of it', async () => (await apply(fix)).exit === 0)
      const [deployment] = templates('by-hand', world.bad)
      assertDone(await apply(deployment, '--dry-run=server'))
      const others = [
        pod('other', world.good),
        pod('side', twoImages()),
        pod('x', world.bad, { namespace: 'tools' }),
        pod('profile', world.bad, { annotations: { 'seccomp-profile.crio.io/main': world.good } }),
        templates('profile', world.bad, { 'seccomp-profile.crio.io/main': world.good })[0],
      ]
      for (const other of others)
        assert.match((await apply(other)).stderr, /failed calling webhook/, 'it opens nothing else')
      await world.startGate()
      assertDone(await kubectl(...handWork('remove', world.bad)))
      const again = pod('again', world.bad)
      await until('the way is closed', async () => (await apply(again)).exit !== 0)
      const imported = await world.sallyport(
        'breakglass',
        'import',
        file,
        '--at',
        letInAt.toISOString(),
        '--json',
      )
      assert.deepEqual([imported.exit, imported.json.decision?.effect], [0, 'admitted-breakglass'])
      const last = used().at(-1)
      assert.deepEqual(
        [last?.artifact?.sha256, last?.time],
        [digestOf(world.bad), letInAt.toISOString()],
      )
      const { json } = await world.sallyport('breakglass', 'list', '--json')
      const uses = json['uses'] as readonly { reasons: readonly string[]; state: string }[]
      assert.ok(
        uses.some(
          ({ reasons, state }) => reasons.includes('the gate is down') && state === 'waiting',
        ),
      )
    } finally {
      rmSync(dir, { recursive: true, force: true })
    }
  },
)

function twoImages() {
  return { containers: [world.bad, world.good].map((image, at) => ({ name: `c${at}`, image })) }
}

/** The command that docs/breakglass.md shows for letting an image in by hand, or for taking that back. */
function handWork(op: 'add' | 'remove', image: string): readonly string[] {
  const page = readFileSync(join(deployFolder, '../../docs/breakglass.md'), 'utf8')
  const commands = [...page.matchAll(/^kubectl (patch [^\n]*) -p '\n(.*?)'$/gms)]
  const [, command = '', patch = ''] =
    commands.find(([text]) => text.includes(`"op": "${op}"`)) ?? []
  const text = patch.replaceAll('NAMESPACE', 'shop').replaceAll('IMAGE', image)
  return [...command.split(' '), '-p', text]
}

test(
  'what was let in is listed as non-compliant for as long as it runs, and is gone when it is replaced',
  { skip },
  async () => {
    const { kubeconfig } = world.cluster
    const status = async () => {
      const args = ['breakglass', 'status', '--json', '--kubeconfig', kubeconfig]
      const { exit, json } = await world.sallyport(...args)
      const uses = json['uses'] as readonly { state: string; compliance: string; pods: string[] }[]
      return { exit, uses }
    }
    const { exit, uses } = await status()
    assert.deepEqual(
      [exit, uses.map(({ state, compliance }) => `${state}: ${compliance}`)],
      [1, ['breakglass: non-compliant']],
    )
    const text = (await world.sallyport('breakglass', 'status', '--kubeconfig', kubeconfig)).stdout
    assert.match(
      text,
      /^ *non-compliant .* staging\/shop .*@sha256:\w+ .* DENY PROVENANCE_MISSING/m,
    )
    assert.match(text, /\nsallyport: 1 non-compliant$/m)
    assert.ok(uses[0]?.pods.includes('shop/fix') && uses[0].pods.includes('shop/by-hand'))
    assertDone(await kubectl('delete', 'pods', '--all', '-n', 'shop', '--now', '--wait=false'))
    assertDone(await apply(pod('replaced', world.good)))
    const after = await status()
    assert.deepEqual([after.exit, after.uses[0]?.compliance], [0, 'gone'])
  },
)

test(
  'the audit log of the API server has every use: what was let in by hand is matched, who opened the way is found',
  { skip },
  async () => {
    const file = join(world.cluster.folder, 'audit.log')
    const said = await world.sallyport('breakglass', 'audit', file, '--since', begin, '--json')
    const { findings, unknown } = said.json as unknown as {
      findings: readonly { code: string; found: string }[]
      unknown: readonly unknown[]
    }
    const changes = findings.map(({ code, found }) => `${code} ${found}`)
    const change =
      'BYPASS_GUARD_CHANGED "administrator": patch admissionregistration.k8s.io/validatingwebhookconfigurations "sallyport"'
    assert.deepEqual([said.exit, changes, unknown], [1, [change, change], []])
    assert.ok(Number(said.json['matched']) >= 6)
    assert.equal(pager.heard.filter(({ type }) => type === 'bypass-found').length, 2)
  },
)

test('every answer is in the log, which verifies and replays', { skip }, async () => {
  for (const work of ['verify', 'replay']) {
    const said = await world.sallyport('log', work)
    assert.equal(said.exit, 0, said.stderr)
  }
})
