import assert from 'node:assert/strict'
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { parseEvent, type SecurityEvent } from '#breakglass'
import { loadConfig, type Config } from '#config'
import { SallyportError } from '#error'
import { approveArtifact } from '../approve.ts'
import { auditPod } from '../bypass/testing/audit-pod.ts'
import { openGate, startGateSigner } from '../gate.ts'
import { initHome } from '../init/init.ts'
import { logReplay, logShow } from '../log.ts'
import { ask as askGate, readQuestion, verifyArtifact, whoAsks } from '../verify.ts'
import { approveBreakglass } from './approve.ts'
import { makeBreakglassKey } from './approver-key.ts'
import { requestBreakglass } from './request.ts'
import { listBreakglass, reviewBreakglass } from './review.ts'
import { importBreakglass, useBreakglass } from './use.ts'

const folder = mkdtempSync(join(tmpdir(), 'sallyport-breakglass-'))
const home = join(folder, 'home')
const artifact = join(folder, 'hotfix.tgz')
const target = { environment: 'prod', service: 'shop' }
const heard: SecurityEvent[] = []
let status = 200
const pager = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    if (status === 200) heard.push(parseEvent(Buffer.concat(chunks)))
    response.writeHead(status).end()
  })
})
let config: Config

before(async () => {
  await new Promise<void>((resolve) => pager.listen(0, '127.0.0.1', resolve))
  const { port } = pager.address() as { port: number }
  await initHome({
    home,
    cwd: folder,
    env: {},
    now: new Date(),
    repository: 'https://git.example/acme/shop',
  })
  const read = (): Config => loadConfig({ home, cwd: folder, env: {} })
  const { publicKeyPem } = await makeBreakglassKey({ home, ...read().keys.breakglass })
  const pem = publicKeyPem.trim().replaceAll('\n', '\n          ')
  const trust = join(home, 'trust.yaml')
  const signer = `signers:
  sre-oncall:
    keys:
      - publicKey: |
          ${pem}
        owner: erin
        validFrom: 2026-01-01T00:00:00Z
    predicateTypes: [https://sallyport.dev/attestation/breakglass/v1]
`
  writeFileSync(trust, readFileSync(trust, 'utf8').replace('signers:\n', signer))
  writeFileSync(
    join(home, 'policies', 'shop.yaml'),
    `apiVersion: sallyport.dev/v1
kind: DeploymentPolicy
metadata: {name: shop-prod, owner: team-shop}
targets: [{environment: prod, service: shop}]
require: [{allowed: {by: [release-managers], environment: prod}}]
breakglass: {approvers: [sre-oncall], maxDuration: 2h}
`,
  )
  appendFileSync(
    join(home, 'sallyport.yaml'),
    `\nalarms: {webhook: [{url: 'http://127.0.0.1:${port}/'}], maxPerEnvironmentPerDay: 1}\n`,
  )
  writeFileSync(artifact, 'a fix in a hurry')
  config = read()
})

after(() => {
  pager.closeAllConnections()
  pager.close()
  rmSync(folder, { recursive: true })
})

const noHome = {
  code: 'HOME_MISSING',
  where: '.sallyport',
  expected: 'a folder',
  found: 'nothing there',
  fix: 'Make one',
} as const

const ask = () =>
  verifyArtifact({ config, artifact, target, bundles: [], policies: [], now: new Date() })

/** Somebody with an account of their own asks. */
async function askAs(name: string) {
  const question = await readQuestion({ config, artifact, bundles: [], policies: [] })
  await using gate = await openGate(config, startGateSigner(config))
  const asker = { requester: name, principal: `os:${name}` }
  return await askGate(question, gate, { config, target, asker, now: new Date() })
}

async function grant(more: { requester?: string; reason?: string } = {}): Promise<string> {
  const { file, request } = await requestBreakglass({
    config,
    artifact,
    target,
    reason: 'checkout is down',
    incident: 'INC-17',
    forMilliseconds: 3_600_000,
    requester: 'dave',
    output: join(folder, `${Math.trunc(performance.now() * 1000)}.json`),
    bundles: [],
    now: new Date(),
    ...more,
  })
  assert.deepEqual(request.rules, ['require[0].allowed'])
  const approved = await approveBreakglass({
    key: { home, ...config.keys.breakglass },
    file,
    approver: 'erin',
    output: `${file}.grant`,
    now: new Date(),
  })
  return approved.file
}

test('request, approve, use, ring, list, review: nobody is left out, and every entry can be replayed', async () => {
  assert.equal((await ask()).exit, 1)
  const file = await grant()
  assert.equal((await ask()).exit, 1, 'a grant that nobody has put anywhere lets nothing in')
  const { annotation, bundle } = await useBreakglass({
    config: () => Promise.resolve(config),
    artifact,
    grants: [file],
    now: new Date(),
  })
  assert.equal(annotation.name, 'sallyport.dev/breakglass')
  assert.equal(bundle, `${artifact}.sigstore.jsonl`)
  const used = await askAs('jo')
  assert.deepEqual([used.exit, used.decision.effect, used.unheard], [0, 'admitted-breakglass', 0])
  assert.deepEqual(
    heard.map(({ type, entry }) => [type, entry]),
    [['breakglass-used', used.receipt.index]],
  )
  assert.deepEqual(heard[0]?.breakglass?.asked, [
    { by: 'dave', reason: 'checkout is down', incident: 'INC-17' },
  ])
  const now = new Date()
  const { uses, pending, rates, findings } = await listBreakglass(config, now)
  assert.deepEqual(
    uses.map(({ state, requesters, principals }) => [state, requesters, principals]),
    [['waiting', ['dave', 'jo'], ['os:jo']]],
  )
  assert.deepEqual(pending, [])
  assert.deepEqual([rates, findings], [[{ environment: 'prod', lastDay: 1, limit: 1 }], []])
  const entry = uses[0]?.entry ?? -1
  const review = { config, entry, finding: 'justified; fixed in 1.2.4', now }
  for (const by of ['dave', 'ERIN ', 'jo', 'os:jo'])
    await assert.rejects(reviewBreakglass({ ...review, by }), { code: 'BREAKGLASS_REVIEW' }, by)
  await assert.rejects(reviewBreakglass({ ...review, by: 'grace', entry: 0 }), {
    code: 'BREAKGLASS_REVIEW',
  })
  const { by, principal } = await reviewBreakglass({ ...review, by: 'grace' })
  assert.deepEqual([by, principal], ['grace', whoAsks().principal])
  await assert.rejects(reviewBreakglass({ ...review, by: 'heidi' }), { code: 'BREAKGLASS_REVIEW' })
  const closed = await listBreakglass(config, now)
  assert.deepEqual(
    closed.uses.map(({ state, review: said }) => [state, said?.by, said?.principal]),
    [['reviewed', 'grace', principal]],
  )
  assert.ok((await logReplay(config)).every(({ same }) => same))
  const { entries } = await logShow(config, { limit: 1 })
  assert.ok(entries[0] !== undefined && 'review' in entries[0])
})

test('with the sink down it is let in, the alarm waits and is seen, and is heard when the sink is back', async () => {
  status = 500
  heard.length = 0
  const used = await ask()
  assert.deepEqual([used.exit, used.unheard], [0, 2])
  assert.match((await listBreakglass(config, new Date())).pending[0]?.failure ?? '', /status 500/)
  status = 200
  await listBreakglass(config, new Date())
  assert.deepEqual((await listBreakglass(config, new Date())).pending, [])
  // The same grant after its review is another use; it is one too many for a day, and that rings as well.
  assert.deepEqual(heard.map(({ type }) => type).sort(), [
    'breakglass-too-frequent',
    'breakglass-used',
  ])
})

test('one use too many is a finding, against the number of its environment where it has one', async () => {
  const codesWith = async (maxPerDayIn: Readonly<Record<string, number>>) => {
    const alarms = { ...config.alarms, maxPerDayIn }
    const { findings, rates } = await listBreakglass({ ...config, alarms }, new Date())
    return [rates[0]?.lastDay, rates[0]?.limit, findings.map(({ code }) => code).join()]
  }
  assert.deepEqual(await codesWith({}), [2, 1, 'BREAKGLASS_TOO_FREQUENT'])
  assert.deepEqual(await codesWith({ staging: 5 }), [2, 1, 'BREAKGLASS_TOO_FREQUENT'])
  assert.deepEqual(await codesWith({ prod: 2 }), [2, 2, ''])
})

test('who asked does not close the use by giving another name', async () => {
  const now = new Date()
  const entry = (await listBreakglass(config, now)).uses.at(-1)?.entry ?? -1
  const own = { config, entry, by: 'grace', finding: 'all is well', now }
  await assert.rejects(reviewBreakglass(own), (error: SallyportError) => {
    const { principal } = whoAsks()
    assert.equal(error.code, 'BREAKGLASS_REVIEW')
    assert.equal(error.found, `one by "grace" ("${principal}"); "${principal}" has asked`)
    assert.match(
      error.fix,
      /^Have somebody else review it: on their own account, .* --finding TEXT/,
    )
    assert.match(error.fix, /token of role auditor \(POST \/api\/v1\/breakglass\/reviews\)/)
    return true
  })
})

test('what nobody reviews in time rings, once a day', async () => {
  heard.length = 0
  const later = new Date(Date.now() + 25 * 3_600_000)
  const { uses, findings } = await listBreakglass(config, later)
  assert.deepEqual(
    uses.map(({ state }) => state),
    ['reviewed', 'overdue'],
  )
  assert.deepEqual(
    findings.map(({ code, where }) => `${code} ${where}`),
    [`BREAKGLASS_OVERDUE entry ${uses[1]?.entry}`],
  )
  await listBreakglass(config, later)
  assert.deepEqual(
    heard.map(({ type }) => type),
    ['breakglass-overdue'],
  )
  await listBreakglass(config, new Date(later.getTime() + 24 * 3_600_000))
  assert.equal(heard.length, 2)
})

test('what was let in while the gate was down is recorded afterwards, and rings then', async () => {
  const file = await grant({ reason: 'the gate is down' })
  heard.length = 0
  const at = new Date(Date.now() + 600_000)
  const { decision, exit } = await importBreakglass({ config, grants: [file], at })
  assert.deepEqual(
    [exit, decision.effect, decision.time, decision.request.chokePoint],
    [0, 'admitted-breakglass', at.toISOString(), 'breakglass-import'],
  )
  assert.ok(heard.some(({ type }) => type === 'breakglass-used'))
  const sha256 = decision.request.artifact.digest['sha256'] ?? ''
  const image = `registry.example/shop@sha256:${sha256}`
  const { findings, matched } = await auditPod(config, folder, { at, image })
  assert.deepEqual([findings, matched], [[], 1])
  const over = await importBreakglass({ config, grants: [file], at: new Date(Date.now() + 4e6) })
  assert.deepEqual([over.exit, over.decision.effect], [1, 'blocked'])
})

test('alarms that cannot be written are no answer', async () => {
  const file = join(folder, 'no-folder')
  writeFileSync(file, '')
  const broken = { ...config, alarms: { ...config.alarms, folder: join(file, 'alarms') } }
  await assert.rejects(
    verifyArtifact({
      config: broken,
      artifact,
      target,
      bundles: [],
      policies: [],
      now: new Date(),
    }),
    { code: 'LOG_UNAVAILABLE' },
  )
})

test('an approver does not approve what they asked for themselves', async () => {
  await assert.rejects(grant({ requester: 'erin' }), { code: 'BREAKGLASS_REQUEST' })
})

test('what no approver could sign, or what would not count when they have, is not asked for', async () => {
  const asked = { config, artifact, target, reason: 'r', incident: 'i', bundles: [] }
  const output = join(folder, 'never.json')
  const refusal = async (more: object): Promise<string> => {
    const now = new Date()
    const given = { ...asked, forMilliseconds: 3_600_000, output, now, ...more }
    const error = await requestBreakglass(given).catch((caught: SallyportError) => caught)
    assert.ok(error instanceof Error)
    return error.problems.map(({ code, where, found }) => `${code} ${where}: ${found}`).join('; ')
  }
  assert.equal(
    await refusal({ forMilliseconds: 7_201_000 }),
    'BREAKGLASS_TOO_LONG "prod/shop": 7201 seconds',
  )
  assert.match(await refusal({ target: { ...target, service: 'shp' } }), /BREAKGLASS_NOT_OFFERED/)
  assert.equal(
    (await refusal({ reason: '', incident: 'x'.repeat(501), forMilliseconds: 30_000 })).replace(
      /"x+…"$/,
      '…',
    ),
    'BREAKGLASS_REQUEST the request: seconds: 30; ' +
      'BREAKGLASS_REQUEST the request: reason: ""; ' +
      'BREAKGLASS_REQUEST the request: incident: …',
  )
  assert.equal(existsSync(output), false)
})

test('a grant for something else, or that is over, is put nowhere', async () => {
  const file = await grant()
  const other = join(folder, 'other.tgz')
  writeFileSync(other, 'other bytes')
  const use = { config: () => Promise.resolve(config), grants: [file], now: new Date() }
  const used = useBreakglass({ ...use, artifact: other })
  await assert.rejects(used, { code: 'BREAKGLASS_OTHER_ARTIFACT', where: file })
  assert.equal(existsSync(`${other}.sigstore.jsonl`), false)
  const late = { ...use, now: new Date(Date.now() + 3_700_000) }
  await assert.rejects(useBreakglass({ ...late, artifact }), { code: 'BREAKGLASS_EXPIRED' })
})

test('where nothing else can be reached there is the annotation, and what could not be done beside it', async () => {
  const file = await grant()
  const { sha256 } = (
    JSON.parse(readFileSync(file.replace(/\.grant$/, ''), 'utf8')) as {
      artifact: { sha256: string }
    }
  ).artifact
  const nowhere = () => Promise.reject(new SallyportError({ ...noHome }))
  const image = `oci://registry.example/shop@sha256:${sha256}`
  const use = { config: nowhere, artifact: image, grants: [file], now: new Date() }
  const { annotation, problems } = await useBreakglass(use)
  assert.ok(annotation.value.length > 100)
  assert.deepEqual(
    problems?.map(({ code }) => code),
    ['HOME_MISSING'],
  )
  const gate = { url: 'http://127.0.0.1:1', token: { env: 'TOKEN' } } as const
  const at = { gate, env: { TOKEN: 'a-token' } }
  const down = await useBreakglass({ ...use, at })
  assert.deepEqual([down.kept, down.problems?.[0]?.code], [[], 'GATE_UNANSWERED'])
  assert.equal(down.annotation.value, annotation.value)
})

test('whoever may ask need not be who may deploy: that can be waived where the policy says who deploys', async () => {
  const policy = join(home, 'policies', 'shop.yaml')
  const text = readFileSync(policy, 'utf8')
  const asked = { config, artifact, target, reason: 'r', incident: 'i', bundles: [] }
  const request = (rules: readonly string[]) =>
    requestBreakglass({
      ...asked,
      rules,
      forMilliseconds: 60_000,
      now: new Date(),
      output: join(folder, `${rules.length}-${text.length}.json`),
    })
  await assert.rejects(request(['deployers']), { code: 'BREAKGLASS_REQUEST' })
  writeFileSync(policy, `${text}deployers: ['token:ci', '${whoAsks().principal}']\n`)
  const both = ['require[0].allowed', 'deployers']
  assert.deepEqual((await request(both)).request.rules, both)
  writeFileSync(policy, text)
})

test('what an approver signs takes the place of nothing, and whoever asked signs under no spelling', async () => {
  const file = (await grant()).replace(/\.grant$/, '')
  const key = { home, ...config.keys.breakglass }
  const approval = { key, file, now: new Date() }
  const output = join(folder, 'there.txt')
  writeFileSync(output, 'mine')
  const over = approveBreakglass({ ...approval, approver: 'erin', output })
  await assert.rejects(over, { code: 'FILE_UNWRITABLE', found: 'EEXIST' })
  assert.equal(readFileSync(output, 'utf8'), 'mine')
  for (const approver of ['Dave', 'token:dave'])
    await assert.rejects(approveBreakglass({ ...approval, approver }), {
      code: 'BREAKGLASS_REQUEST',
    })
})

test('an approver needs a key, and no home', async () => {
  const desk = join(folder, 'desk')
  const pem = join(desk, 'erin.pem')
  const key = { home: desk, file: pem, passphraseFile: `${pem}.passphrase` }
  const { keyid } = await makeBreakglassKey(key)
  const file = await grant()
  const request = file.replace(/\.grant$/, '')
  const output = join(folder, 'own.grant')
  const approval = { key, file: request, approver: 'erin', output, now: new Date() }
  assert.equal((await approveBreakglass(approval)).keyid, keyid)
  assert.deepEqual(readdirSync(desk).sort(), [
    'erin.pem',
    'erin.pem.passphrase',
    'signatures.jsonl',
  ])
  assert.equal(statSync(pem).mode & 0o777, 0o600)
})

test('an exemption is heard of when it lets something in for the first time, at a command line as well', async () => {
  writeFileSync(
    join(home, 'policies', 'shop.yaml'),
    `apiVersion: sallyport.dev/v1
kind: DeploymentPolicy
metadata: {name: shop-prod, owner: team-shop}
targets: [{environment: prod, service: shop}]
require:
  - allowed: {by: [release-managers], environment: prod}
  - scanned: {by: [release-managers], within: 7d, deny: {severity: high}}
exemptions: [{rule: scanned, reason: the scanner moves, owner: erin, expires: 2099-01-01T00:00:00Z}]
`,
  )
  const approval = { artifact, environment: 'prod', reason: 'tested by hand', now: new Date() }
  await approveArtifact({ config, ...approval })
  heard.length = 0
  for (const _ of [1, 2]) {
    const { decision, unheard } = await ask()
    assert.deepEqual([decision.effect, unheard], ['admitted', 0])
  }
  assert.deepEqual(
    heard.map(({ type, exemption }) => [type, exemption?.owner]),
    [['exemption-used', 'erin']],
  )
})
