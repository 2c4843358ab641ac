import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadConfig, type Config } from '#config'
import { recordAccessReview } from '#log'
import { openJournal, openMetrics } from '#server'
import { createVerifier } from '#trust'
import { policiesOf, policyText, trust } from '../../core/decision/testing/fixtures.ts'
import { MemoryBodies } from '../../log/testing/memory-bodies.ts'
import { testLog } from '../../log/testing/test-log.ts'
import { inventoryOf } from '../access/inventory.ts'
import { watchAccess } from './access-watch.ts'

const now = new Date('2026-06-01T12:00:00Z')
const policies = policiesOf(policyText(['allowed: {by: [release-managers]}']))

function configIn(folder: string): Config {
  mkdirSync(join(folder, '.sallyport'))
  const log = 'log: {origin: log.example/x, verifierKeys: [k]}'
  const text = `apiVersion: sallyport.dev/v1\nkind: Config\n${log}\n`
  writeFileSync(join(folder, '.sallyport/sallyport.yaml'), text)
  return loadConfig({ cwd: folder, env: {} })
}

test('a gate counts what has to be looked at, warns once, and hears of reviews', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-watch-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const config = configIn(folder)
  const { log } = await testLog([])
  const lines: string[] = []
  const metrics = openMetrics()
  const rulebook = { policies, trust, verifier: createVerifier(trust), files: [] }
  await using watch = watchAccess({
    config,
    log,
    bodies: new MemoryBodies(),
    rulebook: { current: () => rulebook },
    metrics,
    journal: openJournal({ write: (text: string) => lines.push(text) }, () => now),
    clock: () => now,
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
  await watch.look()
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
})
