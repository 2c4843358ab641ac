import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { loadConfig } from '#config'
import { auditPod } from '../../src/app/bypass/testing/audit-pod.ts'
import { keys } from '../../src/core/decision/testing/fixtures.ts'
import { rung } from './evidence-store.ts'
import {
  call,
  makeHome,
  readiness,
  startInside,
  tokens,
  until,
  type GateHome,
  type Inside,
} from './gate.ts'
import {
  admit,
  carrying,
  decisionsAbout,
  fresh,
  granted,
  mallory,
  offerBreakglass,
  startPager,
  target,
  type Pager,
} from './glass.ts'

/** Tokens of auditors who also have another part. */
const people = {
  both: 'token-of-somebody-who-deploys-and-audits',
  dave: 'token-of-an-auditor-called-dave',
  erin: 'token-of-an-auditor-called-erin',
} as const
const bearers = { ...tokens, ...people }
let home: GateHome
let gate: Inside
let pager: Pager

before(async () => {
  pager = await startPager()
  home = await makeHome(`${grantsOf(people)}${pager.settings}`)
  offerBreakglass(home)
  gate = await startInside(home)
})
after(async () => {
  await gate.stop()
  pager.close()
  await home.close()
})

/** More lines of `access.tokens`. */
function grantsOf(of: Readonly<Record<string, string>>): string {
  const lines = Object.entries(of).map(([name, token]) => {
    const sha256 = createHash('sha256').update(token).digest('hex')
    const roles = name === 'both' ? 'deployer, auditor' : 'auditor'
    return `    - {name: ${name}, sha256: ${sha256}, roles: [${roles}], expires: 2099-01-01T00:00:00Z}\n`
  })
  return lines.join('')
}

async function post(path: string, role: keyof typeof bearers, body: unknown) {
  const response = await call(gate.address, path, {
    method: 'post',
    headers: { authorization: `Bearer ${bearers[role]}` },
    body: JSON.stringify(body),
  })
  const text = await response.text()
  return { status: response.status, json: JSON.parse(text) as Record<string, unknown> }
}

const ask = (digest: string, role: keyof typeof bearers = 'deployer') =>
  post('/api/v1/decisions', role, {
    artifact: { name: 'shop', digest: { sha256: digest } },
    target,
  })

interface ListedUse {
  readonly entry: number
  readonly artifact: { readonly sha256: string }
  readonly requesters: readonly string[]
  readonly principals: readonly string[]
  readonly review?: { readonly by: string; readonly principal?: string }
}

async function useOf(digest: string): Promise<ListedUse | undefined> {
  const response = await call(gate.address, '/api/v1/breakglass/uses', { as: 'auditor' })
  const { uses } = (await response.json()) as { uses: readonly ListedUse[] }
  return uses.find(({ artifact }) => artifact.sha256 === digest)
}

const isHeard = (digest: string): boolean =>
  pager.heard.some(({ artifact }) => artifact?.sha256 === digest)

test('a deployer asks, an approver hands in a grant, the gate lets in and rings, an auditor reviews', async () => {
  const digest = fresh()
  const asked = await post('/api/v1/breakglass/requests', 'deployer', {
    artifact: { name: 'shop', sha256: digest },
    ...target,
    rules: ['require[0].allowed'],
    reason: 'down',
    incident: 'INC-1',
  })
  const { request } = asked.json as { request: { requester: string } }
  assert.deepEqual([asked.status, request.requester], [200, 'token:deployer'])
  assert.equal((await ask(digest)).status, 403)
  const grant = granted(digest)
  const kept = await post('/api/v1/breakglass/grants', 'approver', {
    grant: JSON.parse(grant) as object,
  })
  assert.deepEqual([kept.status, kept.json['signers']], [200, ['sre']])
  // What was found a moment ago is not looked for again at once.
  await until('it is let in', async () => (await ask(digest)).status === 200)
  await until('it is heard', () => isHeard(digest))
  const use = await useOf(digest)
  const entry = use?.entry ?? -1
  assert.deepEqual(use?.requesters, ['dave', 'token:deployer'])
  const closing = { entry, finding: 'justified' }
  assert.equal((await post('/api/v1/breakglass/reviews', 'auditor', closing)).status, 200)
  const { by, principal } = (await useOf(digest))?.review ?? {}
  assert.deepEqual([by, principal], ['token:auditor', 'token:auditor'])
  const again = await post('/api/v1/breakglass/reviews', 'auditor', closing)
  assert.match(JSON.stringify(again.json), /BREAKGLASS_REVIEW/)
})

test('an auditor who has asked, for the grant or with it, or approved, does not close the use', async () => {
  const digest = fresh()
  const grant = JSON.parse(granted(digest)) as object
  assert.equal((await post('/api/v1/breakglass/grants', 'approver', { grant })).status, 200)
  assert.equal((await ask(digest, 'both')).status, 200)
  const use = await useOf(digest)
  assert.deepEqual(use?.requesters, ['dave', 'token:both'])
  assert.deepEqual(use?.principals, ['token:both'])
  const closing = { entry: use?.entry, finding: 'all is well' }
  for (const [who, part] of [
    ['both', 'token:both\\" has asked'],
    ['dave', 'dave\\" has asked'],
    ['erin', 'erin\\" has approved'],
  ] as const) {
    const { status, json } = await post('/api/v1/breakglass/reviews', who, closing)
    const told = JSON.stringify(json)
    assert.equal(status, 400, told)
    assert.match(told, /BREAKGLASS_REVIEW/)
    assert.ok(told.includes(part), told)
  }
  assert.equal((await useOf(digest))?.review, undefined)
  assert.equal((await post('/api/v1/breakglass/reviews', 'auditor', closing)).status, 200)
})

test('an auditor who asks and reviews at the same moment does not close what they asked for', async () => {
  for (let count = 0; count < 5; count += 1) {
    const digest = fresh()
    const grant = JSON.parse(granted(digest)) as object
    assert.equal((await post('/api/v1/breakglass/grants', 'approver', { grant })).status, 200)
    const { json } = await ask(digest)
    const closing = { entry: json['entry'], finding: 'all is well' }
    const [asked] = await Promise.all([
      ask(digest, 'both'),
      post('/api/v1/breakglass/reviews', 'both', closing),
    ])
    assert.equal(asked.status, 200)
    // The newest one.
    const use = await useOf(digest)
    assert.deepEqual([use?.principals.at(-1), use?.review], ['token:both', undefined])
  }
})

test('the annotation alone lets a pod in, with a warning that names grant and deadline', async () => {
  const digest = fresh()
  const image = home.image(digest)
  assert.equal((await admit(gate, image, {})).allowed, false)
  const { allowed, warnings } = await admit(gate, image, carrying(granted(digest)))
  assert.equal(allowed, true)
  assert.match(warnings.join(), /BREAKGLASS by erin until .*; review before .*; grant [0-9a-f]{12}/)
  await until('it is heard', () => isHeard(digest))
})

test('what the gate was asked about, at whatever choke point, is no record of what went around it', async () => {
  const digest = fresh()
  const image = home.image(digest)
  const text = granted(digest)
  assert.equal((await admit(gate, image, carrying(text))).allowed, true)
  const grant = JSON.parse(text) as object
  assert.equal((await post('/api/v1/breakglass/grants', 'approver', { grant })).status, 200)
  assert.equal((await ask(digest)).status, 200)
  await decisionsAbout(home, digest, 2)
  const config = loadConfig({ cwd: home.dir, env: {} })
  const { findings, matched } = await auditPod(config, home.dir, {
    at: new Date(),
    namespace: 'elsewhere',
    image,
  })
  assert.deepEqual([findings.map(({ code }) => code), matched], [['BYPASS_UNGUARDED'], 0])
})

test('an annotation for other bytes, of a stranger, or of anything at all opens nothing', async () => {
  const digest = fresh()
  const image = home.image(digest)
  for (const [value, code] of [
    [granted(fresh()), /BREAKGLASS_OTHER_ARTIFACT|APPROVAL_MISSING/],
    [granted(digest, {}, keys.stranger), /SIGNATURE_UNKNOWN_KEY|APPROVAL_MISSING/],
    ['true', /./],
    ['{"breakglass": true}', /./],
    ['x'.repeat(200_000), /./],
  ] as const) {
    const annotations = { 'sallyport.dev/breakglass': value }
    const { allowed, message } = await admit(gate, image, annotations)
    assert.equal(allowed, false)
    assert.match(message, code)
  }
})

test('a grant of somebody who may not grant is refused; who tried, with what, and why is in the log', async () => {
  const digest = fresh()
  const grant = granted(digest, { approver: 'mallory' }, mallory)
  const { allowed, message } = await admit(gate, home.image(digest), carrying(grant))
  assert.equal(allowed, false)
  assert.match(message, /BREAKGLASS_NOT_APPROVER/)
  const decisions = await decisionsAbout(home, digest, 1)
  assert.deepEqual(
    decisions.map(({ effect, request }) => [effect, request.requester]),
    [['blocked', 'unauthenticated:jo']],
  )
  const grants = decisions.flatMap(({ breakglass }) => breakglass?.grants ?? [])
  const sha256 = createHash('sha256').update(grant).digest('hex')
  assert.deepEqual(
    grants.map(({ digest: of, requester, reason }) => [of, requester, reason]),
    [[sha256, 'dave', 'checkout is down']],
  )
  assert.deepEqual(
    grants.flatMap(({ problems }) => problems.map(({ code, found }) => [code, found])),
    [['BREAKGLASS_NOT_APPROVER', 'one of "others"']],
  )
  assert.ok(rung(home).every(({ artifact }) => artifact?.sha256 !== digest))
})

test('grants of nobody, and what is no grant, are not kept', async () => {
  for (const grant of [
    granted(fresh(), {}, keys.stranger),
    '{}',
    Buffer.from(home.approve()).toString(),
    granted(fresh()).slice(0, 50),
  ]) {
    const { status } = await post('/api/v1/breakglass/grants', 'approver', { grant })
    assert.ok(status >= 400 && status < 500, String(status))
  }
})

test('with the pager down the gate still answers, says so in its metrics, and rings when it is back', async () => {
  pager.isDown = true
  const digest = fresh()
  const annotations = { 'sallyport.dev/breakglass': granted(digest) }
  const { allowed } = await admit(gate, home.image(digest), annotations)
  assert.equal(allowed, true)
  const pending = async (): Promise<number> => {
    const response = await call(gate.address, '/metrics', {
      headers: { authorization: `Bearer ${tokens.viewer}` },
    })
    return Number(/^sallyport_alarms_pending (\d+)$/m.exec(await response.text())?.[1])
  }
  await until('it waits', async () => (await pending()) > 0)
  pager.isDown = false
  await until('nothing waits', async () => (await pending()) === 0)
  assert.ok(isHeard(digest))
})

test('nobody alone takes the place of all who may ask in an emergency', async () => {
  const asking = (sha256: string) =>
    post('/api/v1/breakglass/requests', 'deployer', {
      artifact: { name: 'shop', sha256 },
      ...target,
      rules: ['require[0].allowed'],
      reason: 'again and again',
      incident: 'INC-2',
    })
  let answer = await asking(fresh())
  for (let count = 1; answer.status === 200; count += 1) {
    assert.ok(count < 110, 'there is a bound')
    answer = await asking(fresh())
  }
  const told = JSON.stringify(answer.json)
  assert.match(told, /BREAKGLASS_REQUEST/)
  assert.match(told, /fewer than 100 requests of .*token:deployer/)
  assert.match(
    told,
    /send the file of `sallyport breakglass request` without --gate to an approver/,
  )
})

test('more uses than the environment allows are a warning of the gate', async () => {
  for (const digest of [fresh(), fresh(), fresh()]) {
    const { allowed } = await admit(gate, home.image(digest), carrying(granted(digest)))
    assert.equal(allowed, true)
  }
  await until('it warns', async () =>
    /^ready\n(?:.*\n)*BREAKGLASS_TOO_FREQUENT\n/.test((await readiness(gate.address)).text),
  )
})

test('a desk that cannot write says so with 503 and what to do, and the gate warns and decides on', async () => {
  const folder = join(home.folder, 'breakglass')
  renameSync(folder, `${folder}.before`)
  writeFileSync(folder, 'a file')
  const digest = fresh()
  const grant = granted(digest)
  const { status, json } = await post('/api/v1/breakglass/grants', 'approver', { grant })
  assert.deepEqual([status, /FILE_UNWRITABLE.*ENOTDIR/.test(JSON.stringify(json))], [503, true])
  const isWarned = async () =>
    /^ready\n(?:.*\n)*FILE_UNWRITABLE\n/.test((await readiness(gate.address)).text)
  assert.equal(await isWarned(), true)
  assert.equal((await admit(gate, home.image(digest), carrying(grant))).allowed, true)
  rmSync(folder)
  renameSync(`${folder}.before`, folder)
  await until('it no longer warns', async () => !(await isWarned()))
  assert.equal((await post('/api/v1/breakglass/grants', 'approver', { grant })).status, 200)
})
