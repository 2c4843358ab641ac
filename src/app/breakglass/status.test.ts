import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { breakglassStatement, predicateTypes, riskAcceptanceStatement } from '#attestation'
import { loadConfig, type Config } from '#config'
import { encodeCanonical, sha256Hex } from '#document'
import { bundleBytes, keyEntry, makeKey, type TestKey } from '../../core/trust/testing/fixtures.ts'
import { approveArtifact } from '../approve.ts'
import { auditPod } from '../bypass/testing/audit-pod.ts'
import { openGate, startGateSigner } from '../gate.ts'
import { initHome } from '../init/init.ts'
import { verifyArtifact } from '../verify.ts'
import { acceptRisk } from './accept.ts'
import { makeBreakglassKey } from './approver-key.ts'
import { breakglassStatus } from './status.ts'

const folder = mkdtempSync(join(tmpdir(), 'sallyport-status-'))
const home = join(folder, 'home')
const artifact = join(folder, 'hotfix.tgz')
const bytes = 'a fix in a hurry'
const sha256 = sha256Hex(bytes)
const target = { environment: 'prod', service: 'shop' }
const accepted = join(home, 'breakglass', 'accepted')
const people = { erin: makeKey(), ivan: makeKey(), dave: makeKey(), mallory: makeKey() }
const now = new Date()
let config: Config

const policy = (rule: string): void =>
  writeFileSync(
    join(home, 'policies', 'shop.yaml'),
    `apiVersion: sallyport.dev/v1
kind: DeploymentPolicy
metadata: {name: shop-prod, owner: team-shop}
targets: [{environment: prod, service: shop}]
require: [${rule}]
breakglass: {approvers: [sre], maxDuration: 2h}
`,
  )
const strict = '{allowed: {by: [release-managers], environment: prod}}'

before(async () => {
  await initHome({ home, cwd: folder, env: {}, now, repository: 'https://git.example/acme/shop' })
  const { keys } = loadConfig({ home, cwd: folder, env: {} })
  const made = await makeBreakglassKey({ home, ...keys.breakglass })
  const signer = (keys: readonly object[], ...types: readonly string[]) =>
    JSON.stringify({ keys, predicateTypes: types })
  const { riskAcceptance, breakglass } = predicateTypes
  const grace = { publicKey: made.publicKeyPem, owner: 'grace', validFrom: '2026-01-01T00:00:00Z' }
  const { erin, ivan, dave } = people
  const risk = [grace, keyEntry(ivan, { owner: 'ivan' }), keyEntry(dave, { owner: 'dave' })]
  const trust = join(home, 'trust.yaml')
  const entries = `signers:
  sre: ${signer([keyEntry(erin, { owner: 'erin' })], breakglass)}
  risk-owners: ${signer(risk, riskAcceptance)}
`
  writeFileSync(trust, readFileSync(trust, 'utf8').replace('signers:\n', entries))
  policy(strict)
  config = loadConfig({ home, cwd: folder, env: {} })
  writeFileSync(artifact, bytes)
  const grant = breakglassStatement([{ name: 'shop', digest: { sha256 } }], {
    requester: 'dave',
    approver: 'erin',
    ...target,
    rules: ['require[0].allowed'],
    reason: 'checkout is down',
    incident: 'INC-17',
    notBefore: new Date(now.getTime() - 60_000).toISOString(),
    expires: new Date(now.getTime() + 3_600_000).toISOString(),
  })
  writeFileSync(`${artifact}.sigstore.jsonl`, bundleBytes(grant, people.erin))
  const asked = { config, artifact, target, bundles: [], policies: [], now }
  assert.equal((await verifyArtifact(asked)).decision.effect, 'admitted-breakglass')
})
after(() => rmSync(folder, { recursive: true }))

const statusAt = async (at = now) => {
  const { uses } = await breakglassStatus({ config, now: at })
  assert.equal(uses.length, 1)
  const [use] = uses
  assert.ok(use !== undefined)
  return use
}

function accept(key: TestKey, more: object = {}, digest = sha256): void {
  const statement = riskAcceptanceStatement([{ digest: { sha256: digest } }], {
    approver: 'somebody',
    owner: 'team-shop',
    ...target,
    reason: 'fixed in 1.2.4',
    acceptedOn: now.toISOString(),
    expires: new Date(now.getTime() + 86_400_000).toISOString(),
    ...more,
  })
  rmSync(accepted, { recursive: true, force: true })
  mkdirSync(accepted, { recursive: true })
  writeFileSync(join(accepted, 'one.json'), bundleBytes(statement, key))
}

test('what breakglass let in is non-compliant, whether its grant still holds or not', async () => {
  for (const hours of [0, 48]) {
    const use = await statusAt(new Date(now.getTime() + hours * 3_600_000))
    assert.deepEqual(
      [use.state, use.compliance, use.verdict],
      ['breakglass', 'non-compliant', 'DENY'],
    )
    assert.deepEqual([...new Set(use.reasons.map(({ code }) => code))].at(0), 'APPROVAL_MISSING')
    assert.equal(use.problem?.code, 'BREAKGLASS_NON_COMPLIANT')
    assert.equal(use.pods, undefined, 'nobody was asked what runs')
  }
})

test('an acceptance that cannot be kept is told as such', async () => {
  rmSync(accepted, { recursive: true, force: true })
  mkdirSync(join(home, 'breakglass'), { recursive: true })
  writeFileSync(accepted, '')
  const until = new Date(now.getTime() + 86_400_000)
  const key = { home, ...config.keys.breakglass }
  const asked = { key, output: config, sha256, target, owner: 'team-shop', reason: 'r', until, now }
  await assert.rejects(acceptRisk(asked), { code: 'FILE_UNWRITABLE', where: accepted })
  rmSync(accepted)
})

test('an acceptance counts when somebody who may has signed it for these bytes, there and now', async () => {
  const { file, expires } = await acceptRisk({
    key: { home, ...config.keys.breakglass },
    output: config,
    sha256,
    target,
    owner: 'team-shop',
    reason: 'fixed in 1.2.4',
    until: new Date(now.getTime() + 86_400_000),
    now,
  })
  assert.ok(file.startsWith(accepted))
  const use = await statusAt()
  assert.equal(use.compliance, 'accepted')
  assert.deepEqual(use.accepted, {
    by: ['grace'],
    owner: 'team-shop',
    reason: 'fixed in 1.2.4',
    expires,
  })
  const later = await statusAt(new Date(now.getTime() + 2 * 86_400_000))
  assert.deepEqual(
    [later.compliance, later.refused[0]?.code],
    ['non-compliant', 'BREAKGLASS_ACCEPTANCE'],
  )
})

test('by who asked, by a stranger, by who may only grant, for other bytes or elsewhere it is none', async () => {
  const cases = [
    [() => accept(people.dave), 'BREAKGLASS_ACCEPTANCE'],
    [() => accept(people.mallory), 'SIGNATURE_UNKNOWN_KEY'],
    [() => accept(people.erin), 'SIGNER_NOT_FOR_PREDICATE'],
    [() => accept(people.ivan, {}, 'a'.repeat(64)), undefined],
    [() => accept(people.ivan, { service: 'other' }), undefined],
  ] as const
  for (const [write, code] of cases) {
    write()
    const { compliance, refused } = await statusAt()
    assert.deepEqual([compliance, refused[0]?.code], ['non-compliant', code])
  }
  for (const text of ['', '{}', 'x'.repeat(300_000)]) {
    writeFileSync(join(accepted, 'one.json'), text)
    assert.equal((await statusAt()).compliance, 'non-compliant')
  }
  accept(people.ivan)
  assert.equal((await statusAt()).compliance, 'accepted')
  rmSync(accepted, { recursive: true })
})

test('what meets the policy by now is compliant; where nobody can tell, it is neither', async () => {
  const evidence = join(folder, 'evidence')
  mkdirSync(evidence)
  const output = join(evidence, `${sha256}.sigstore.jsonl`)
  const asked = {
    config,
    artifact: `sha256:${sha256}`,
    environment: 'prod',
    reason: 'looked at',
    now,
  }
  await approveArtifact({ ...asked, output })
  config = { ...config, evidence: { ...config.evidence, directories: [evidence] } }
  const use = await statusAt()
  assert.deepEqual([use.compliance, use.verdict, use.reasons], ['compliant', 'ALLOW', []])
  policy('nonsense')
  const { compliance, verdict } = await statusAt()
  assert.deepEqual([compliance, verdict], ['undetermined', undefined])
  policy(strict)
})

test('a decision whose body is gone hides no use, and nothing that came in around the gate', async () => {
  const reference = {
    apiVersion: 'sallyport.dev/v1',
    kind: 'DecisionReference',
    decision: { sha256: '0'.repeat(64), size: 20_000 },
  }
  {
    await using gate = await openGate(config, startGateSigner(config))
    await gate.log.append(encodeCanonical(reference))
  }
  const { uses, unreadable } = await breakglassStatus({ config, now })
  assert.deepEqual([uses.length, unreadable.map(({ code }) => code)], [1, ['RECORD_BODY_MISSING']])
  const { findings, unknown } = await auditPod(config, folder, { at: now })
  const codes = [findings, unknown].map((list) => list.map(({ code }) => code))
  assert.deepEqual(codes, [['BYPASS_UNGUARDED'], ['RECORD_BODY_MISSING']])
})
