import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadConfig, type Config } from '#config'
import { DecisionMemory, encodeDecision } from '#decision'
import { recordAccessReview } from '#log'
import type { PolicySet } from '#policy'
import { openJournal, openMetrics } from '#server'
import { createVerifier } from '#trust'
import { decideOn, policiesOf, policyText, trust } from '../../core/decision/testing/fixtures.ts'
import { MemoryBodies } from '../../log/testing/memory-bodies.ts'
import { testLog } from '../../log/testing/test-log.ts'
import { inventoryOf } from '../access/inventory.ts'
import type { Rulebook } from '../rulebook.ts'
import { watchAccess, type AccessFinding } from './access-watch.ts'

const now = new Date('2026-06-01T12:00:00Z')
const policies = policiesOf(policyText(['allowed: {by: [release-managers]}']))

function rulebookOf(of: PolicySet): Rulebook {
  const memory = new DecisionMemory({ policies: of, trust })
  return { policies: of, trust, verifier: createVerifier(trust), memory, files: [] }
}

function configIn(folder: string, more = ''): Config {
  mkdirSync(join(folder, '.sallyport'))
  const log = 'log: {origin: log.example/x, verifierKeys: [k]}'
  const text = `apiVersion: sallyport.dev/v1\nkind: Config\n${log}\n${more}`
  writeFileSync(join(folder, '.sallyport/sallyport.yaml'), text)
  return loadConfig({ cwd: folder, env: {} })
}

test('a gate counts what has to be looked at, warns once, and hears of reviews', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-watch-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const config = configIn(folder)
  const { log } = await testLog([])
  const lines: string[] = []
  const found: AccessFinding[][] = []
  let time = now
  const metrics = openMetrics()
  const rulebook = rulebookOf(policies)
  await using watch = watchAccess({
    config,
    log,
    bodies: new MemoryBodies(),
    rulebook: { current: () => rulebook },
    metrics,
    journal: openJournal({ write: (text: string) => lines.push(text) }, () => now),
    clock: () => time,
    onFound: (some) => found.push([...some]),
    seconds: 3600,
  })
  const count = async (code: string): Promise<string | undefined> => {
    const pattern = new RegExp(`sallyport_access_findings\\{code="${code}"\\} (\\d+)`)
    return pattern.exec(await metrics.text())?.[1]
  }
  assert.equal(await count('GRANT_NOT_REVIEWED'), undefined)
  await watch.look()
  const grants = await inventoryOf(config, rulebook)
  assert.equal(await count('GRANT_NOT_REVIEWED'), String(grants.length))
  assert.equal(await count('CHOKE_POINT_MISSING'), '1')
  assert.equal(await count('ACCESS_PATH_OPEN'), '0')
  // What has not been looked for yet is not told as none.
  assert.equal(await count('GRANT_UNUSED'), undefined)
  const told = found.flat()
  const about = told.map(({ problem, grant }) => `${problem.code} ${grant?.id ?? ''}`)
  assert.deepEqual(
    about.toSorted(),
    [...grants.map(({ id }) => `GRANT_NOT_REVIEWED ${id}`), 'CHOKE_POINT_MISSING '].toSorted(),
  )
  assert.equal(told[0]?.grant?.sha256, grants[0]?.sha256)
  await watch.look()
  assert.deepEqual(found.flat(), told, 'what stays is told once')
  assert.equal(await count('GRANT_UNUSED'), '0')
  const warnings = lines.filter((line) => line.includes('"level":"warn"'))
  assert.equal(warnings.length, 1)
  assert.match(warnings[0] ?? '', /"GRANT_NOT_REVIEWED":\d+/)
  await recordAccessReview(log, {
    apiVersion: 'sallyport.dev/v1',
    kind: 'AccessReview',
    time: now.toISOString(),
    by: 'dana',
    principal: 'os:dana',
    finding: 'needed',
    grants: grants.slice(0, 100).map(({ id, sha256 }) => ({ id, sha256 })),
  })
  await watch.look()
  assert.equal(await count('GRANT_NOT_REVIEWED'), '0')
  assert.deepEqual(found.flat(), told, 'what is over is told by the review')
  // A review that is too old is something new.
  time = new Date('2026-12-01T12:00:00Z')
  await watch.look()
  const later = found.flat().slice(told.length)
  assert.ok(later.some(({ problem }) => problem.code === 'GRANT_REVIEW_OVERDUE'))
  assert.ok(later.every(({ problem }) => problem.code !== 'CHOKE_POINT_MISSING'))
})

test('thousands of findings are told in portions, and none of them is left out', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-watch-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const targets = Array.from({ length: 600 }, (_, at) => `{environment: e, service: s${at}}`)
  const text = policyText(['allowed: {by: [release-managers]}'])
  const many = policiesOf(text.replace(/targets: .*/, `targets: [${targets.join(', ')}]`))
  const found: (readonly AccessFinding[])[] = []
  const rulebook = rulebookOf(many)
  await using watch = watchAccess({
    config: configIn(folder),
    log: (await testLog([])).log,
    bodies: new MemoryBodies(),
    rulebook: { current: () => rulebook },
    metrics: openMetrics(),
    journal: openJournal({ write: () => undefined }, () => now),
    clock: () => now,
    onFound: (some) => found.push(some),
    seconds: 3600,
  })
  await watch.look()
  assert.equal(found.flat().length, 256)
  assert.ok(found.every((some) => some.length <= 32))
  for (let look = 0; look < 3; look += 1) await watch.look()
  const codes = found.flat().filter(({ problem }) => problem.code === 'CHOKE_POINT_MISSING')
  assert.equal(new Set(codes.map(({ problem }) => problem.where)).size, 600)
  assert.equal(codes.length, 600)
})

test('what changes is told again: a grant that gives something else, and what came in through another point since', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-watch-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const { log } = await testLog([])
  const found: AccessFinding[] = []
  let inForce = policies
  await using watch = watchAccess({
    config: configIn(folder, 'chokePoints: [{environment: production, through: [ci]}]\n'),
    log,
    bodies: new MemoryBodies(),
    rulebook: { current: () => rulebookOf(inForce) },
    metrics: openMetrics(),
    journal: openJournal({ write: () => undefined }, () => now),
    clock: () => now,
    onFound: (some) => found.push(...some),
    seconds: 3600,
  })
  const newOnes = async (): Promise<readonly string[]> => {
    const before = found.length
    await watch.look()
    const begun = found.slice(before).filter(({ problem }) => problem.code !== 'CHOKE_POINT_ABSENT')
    return begun.map(({ problem, grant }) => `${problem.code} ${grant?.id ?? ''}`)
  }
  await newOnes()
  assert.deepEqual(await newOnes(), [])
  const text = policyText(['allowed: {by: [release-managers]}'], "deployers: ['token:ci']")
  inForce = policiesOf(text)
  assert.deepEqual(await newOnes(), ['GRANT_NOT_REVIEWED deployer:shop-production token:ci'])
  inForce = policiesOf(text.replace('service: shop', 'service: other'))
  assert.deepEqual(await newOnes(), ['GRANT_NOT_REVIEWED deployer:shop-production token:ci'])
  inForce = policies
  await newOnes()
  const decision = decideOn(['allowed: {by: [release-managers]}'], [], { policy: 'mode: audit' })
  assert.deepEqual([decision.effect, decision.request.chokePoint], ['admitted-audit', 'test'])
  for (const _ of [1, 2]) {
    await log.append(encodeDecision(decision))
    assert.deepEqual(await newOnes(), ['CHOKE_POINT_OTHER '])
    assert.deepEqual(await newOnes(), [])
  }
})
