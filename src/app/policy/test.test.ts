import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import type { Config } from '#config'
import type { Fixture } from '#decision'
import { SallyportError } from '#error'
import { writeFixture } from './fixture-files.ts'
import { testPolicies } from './test.ts'

const publicKey = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' })
const key = { publicKey, validFrom: '2026-01-01T00:00:00Z' }

let home = ''
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'sallyport-policy-test-'))
  const trust = {
    apiVersion: 'sallyport.dev/v1',
    kind: 'Trust',
    metadata: { name: 't', owner: 'o' },
    signers: {
      manager: { keys: [key], predicateTypes: ['https://sallyport.dev/attestation/approval/v1'] },
    },
  }
  writeFileSync(join(home, 'trust.yaml'), JSON.stringify(trust))
  mkdirSync(join(home, 'policies'))
  for (const service of ['shop', 'cart']) {
    const policy = {
      apiVersion: 'sallyport.dev/v1',
      kind: 'DeploymentPolicy',
      metadata: { name: service, owner: 'o' },
      targets: [{ environment: 'production', service }],
      require: [{ allowed: { by: ['manager'] } }],
    }
    writeFileSync(join(home, 'policies', `${service}.yaml`), JSON.stringify(policy))
  }
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

function fixture(verdict: Fixture['expected']['verdict']): Fixture {
  return {
    time: '2026-06-01T00:00:00.000Z',
    request: {
      artifact: { name: 'shop', digest: { sha256: 'a'.repeat(64) } },
      target: { environment: 'production', service: 'shop' },
      chokePoint: 'fixture',
    },
    evidence: { items: [], sources: [{ name: 'beside', outcome: 'absent' }] },
    trustedRoots: [],
    expected: {
      verdict,
      effect: 'blocked',
      reasons: ['APPROVAL_MISSING'],
      rules: [{ id: 'require[0].allowed', verdict: 'MISSING', codes: ['APPROVAL_MISSING'] }],
    },
  }
}

async function run(more: { update?: boolean; allowUnproven?: boolean } = {}) {
  const config = {
    home,
    trust: join(home, 'trust.yaml'),
    policies: [join(home, 'policies')],
  } as unknown as Config
  const base = { update: false, allowUnproven: false, ...more }
  return await testPolicies({ config, folders: [], policies: [], ...base })
}

test('a rule that no fixture asks fails the test, unless that is accepted', async () => {
  await writeFixture(join(home, 'fixtures/a'), fixture('DENY'), new Map())
  const { problems, exit, rules } = await run()
  assert.equal(exit, 1)
  assert.deepEqual(
    problems.map(({ code }) => code),
    ['FIXTURE_RULE_UNPROVEN'],
  )
  assert.match(problems[0]?.where ?? '', /^policies\/cart\.yaml:1:\d+ require\[0\]\.allowed$/)
  assert.equal(rules.length, 2)
  assert.equal((await run({ allowUnproven: true })).exit, 0)
})

test('a fixture that is decided otherwise is told, and written anew only when that is asked', async () => {
  await writeFixture(join(home, 'fixtures/a'), fixture('ALLOW'), new Map())
  const { problems, exit } = await run({ allowUnproven: true })
  assert.equal(exit, 1)
  assert.deepEqual(
    problems.map(({ code, expected, found }) => [code, expected, found]),
    [['FIXTURE_DIFFERS', 'ALLOW', 'DENY']],
  )
  assert.equal((await run({ allowUnproven: true, update: true })).exit, 0)
  const again = await run({ allowUnproven: true })
  assert.deepEqual([again.exit, again.fixtures[0]?.differences], [0, []])
})

test('a folder that cannot be written to is told', async () => {
  writeFileSync(join(home, 'fixtures'), '')
  await assert.rejects(
    writeFixture(join(home, 'fixtures/a'), fixture('DENY'), new Map()),
    (error) => error instanceof SallyportError && error.code === 'FIXTURE_UNWRITABLE',
  )
})
