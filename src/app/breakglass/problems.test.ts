import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openBell, openOutbox, parseRequest } from '#breakglass'
import { openJournal, openMetrics } from '#server'
import { loadConfig, type Config } from '#config'
import type { SallyportError } from '#error'
import { initHome } from '../init/init.ts'
import { keepRinging } from '../serve/ringing.ts'
import { alarmFileProblems } from './alarm-files.ts'
import { approveBreakglass } from './approve.ts'
import { makeBreakglassKey } from './approver-key.ts'
import { requestBreakglass } from './request.ts'
import { importBreakglass, useBreakglass } from './use.ts'

const folder = mkdtempSync(join(tmpdir(), 'sallyport-glass-'))
const home = join(folder, 'home')
const now = new Date()

test('what is no request, no grant, or a second key is told as such', async () => {
  const repository = 'https://git.example/acme/shop'
  await initHome({ home, cwd: folder, env: {}, now, repository })
  const config = loadConfig({ home, cwd: folder, env: {} })
  const key = { home, ...config.keys.breakglass }
  await makeBreakglassKey(key)
  await assert.rejects(makeBreakglassKey(key), { code: 'BREAKGLASS_KEY' })
  const file = join(folder, 'request.json')
  for (const text of ['', '{}', '{"kind":"BreakglassRequest"}', '[1]']) {
    assert.throws(() => parseRequest(Buffer.from(text), file), { code: 'BREAKGLASS_REQUEST' })
  }
  writeFileSync(file, '{}')
  await assert.rejects(importBreakglass({ config, grants: [file], at: now }))
  const artifact = join(folder, 'app.tgz')
  writeFileSync(artifact, 'bytes')
  const target = { environment: 'production', service: 'nothing-there' }
  const asked = { config, artifact, target, reason: 'r', incident: 'i', bundles: [], now }
  await assert.rejects(
    requestBreakglass({ ...asked, forMilliseconds: 3_600_000, rules: ['require[7].signed'] }),
    { code: 'BREAKGLASS_REQUEST' },
  )
  await assert.rejects(
    requestBreakglass({ ...asked, forMilliseconds: 3_600_000 }),
    (error: SallyportError) => {
      const codes = error.problems.map(({ code }) => code)
      assert.deepEqual(codes, ['BREAKGLASS_NOT_OFFERED', 'POLICY_MISSING'])
      return true
    },
  )
  const request = {
    apiVersion: 'sallyport.dev/v1',
    kind: 'BreakglassRequest',
    artifact: { name: 'app.tgz', sha256: 'a'.repeat(64) },
    ...target,
    requester: 'dave',
    requestedOn: '2026-01-01T00:00:00Z',
    seconds: 3600,
    rules: ['policy'],
    reason: 'r',
    incident: 'i',
    otherwise: { verdict: 'POLICY_ERROR', reasons: [] },
  }
  const written = join(folder, 'written.json')
  writeFileSync(written, JSON.stringify(request))
  const own = { key, file: written, approver: 'dave', now }
  await assert.rejects(approveBreakglass(own), (error: SallyportError) => {
    assert.equal(error.code, 'BREAKGLASS_REQUEST')
    assert.match(error.fix, /^Send the request to an approver/)
    return true
  })
  const elsewhere = { home: folder, file: join(folder, 'none.pem'), passphraseFile: 'none' }
  await assert.rejects(approveBreakglass({ ...own, key: elsewhere, approver: 'erin' }), {
    code: 'BREAKGLASS_KEY',
  })
  const use = { config: () => Promise.resolve(config), artifact, grants: [written], now }
  await assert.rejects(useBreakglass(use), (error: SallyportError) => {
    assert.equal(error.where, written)
    assert.equal(error.found, 'a request, which nobody has signed yet')
    return true
  })
  const trust = readFileSync(config.trust, 'utf8')
  writeFileSync(
    config.trust,
    trust.replace(/^metadata: \{/m, 'metadata: {expires: 2026-01-01T00:00:00Z, '),
  )
  const service = /service: ([^}]+)}/.exec(
    readFileSync(join(home, 'policies', 'production.yaml'), 'utf8'),
  )?.[1]
  const known = { ...asked, target: { environment: 'production', service: service ?? '' } }
  await assert.rejects(requestBreakglass({ ...known, forMilliseconds: 3_600_000 }), {
    code: 'BREAKGLASS_NOTHING_TO_WAIVE',
  })
  rmSync(folder, { recursive: true })
})

test('alarms that nobody hears and uses that nobody reviews are warnings of the gate', async () => {
  const place = mkdtempSync(join(tmpdir(), 'sallyport-glass-'))
  const repository = 'https://git.example/acme/shop'
  await initHome({ home: place, cwd: folder.slice(0, 4), env: {}, now, repository })
  const loaded = loadConfig({ home: place, cwd: place, env: {} })
  const secretFile = join(place, 'pager.secret')
  const webhook = [{ url: 'https://pager.example/', secretFile }]
  const config = { ...loaded, alarms: { ...loaded.alarms, webhook } }
  let time = now.getTime()
  const clock = (): Date => new Date(time)
  const deaf = { name: 'pager', most: 1, send: () => Promise.reject(new Error('nobody answers')) }
  const bell = openBell({
    outbox: openOutbox(config.alarms.folder),
    sinks: [deaf],
    origin: 'o',
    clock,
  })
  const journal = openJournal({ write: () => true }, clock)
  const bodies = { get: () => Promise.resolve(undefined), put: () => Promise.resolve('') }
  const used = { approvers: ['erin'], until: now.toISOString(), grants: ['a'.repeat(64)] }
  const decision = {
    kind: 'Decision',
    time: now.toISOString(),
    request: {
      artifact: { name: 'app', digest: { sha256: 'b'.repeat(64) } },
      target: { environment: 'prod', service: 'shop' },
    },
    verdict: 'DENY',
    effect: 'admitted-breakglass',
    breakglass: { grants: [], wanted: [], used },
  }
  const entry = Buffer.from(JSON.stringify(decision))
  const view = {
    size: 1,
    async *entries(from = 0) {
      if (from === 0) yield { index: 0, entry }
    },
  }
  const log = { view: () => Promise.resolve(view as never) }
  const metrics = openMetrics()
  await using ringing = keepRinging({
    config,
    bell,
    log,
    bodies,
    metrics,
    journal,
    clock,
    seconds: 9,
  })
  await ringing.alert('rulebook-refused', 'policies', [])
  await ringing.look()
  assert.deepEqual(
    ringing.warnings().map(({ code }) => code),
    ['FILE_UNREADABLE'],
  )
  writeFileSync(secretFile, 'a secret')
  await ringing.look()
  assert.deepEqual(ringing.warnings(), [])
  time += 60_000
  await ringing.look()
  assert.deepEqual(
    ringing.warnings().map(({ code }) => code),
    ['ALARM_UNDELIVERED'],
  )
  time += config.alarms.reviewMs
  await ringing.look()
  assert.deepEqual(
    ringing.warnings().map(({ code }) => code),
    ['ALARM_UNDELIVERED', 'BREAKGLASS_OVERDUE'],
  )
  rmSync(place, { recursive: true })
})

test('files that a sink needs and the gate cannot read are told before the first alarm', async () => {
  const place = mkdtempSync(join(tmpdir(), 'sallyport-glass-'))
  const good = join(place, 'good')
  const empty = join(place, 'empty')
  const gone = join(place, 'gone')
  writeFileSync(good, 'secret')
  writeFileSync(empty, '')
  const url = 'https://pager.example/'
  const alarms = {
    webhook: [{ url }, { url, secretFile: good }, { url, secretFile: empty }],
    smtp: [{ ca: gone }],
    syslog: [{ socket: gone }, { host: 'siem.example', ca: gone }],
  }
  const problems = await alarmFileProblems({ alarms } as unknown as Pick<Config, 'alarms'>)
  assert.deepEqual(
    problems.map(({ code, where, found }) => `${code} ${where} ${found}`),
    [
      `FILE_UNREADABLE alarms.webhook[2].secretFile: ${empty} nothing in it`,
      `FILE_UNREADABLE alarms.smtp[0].ca: ${gone} ENOENT`,
      `FILE_UNREADABLE alarms.syslog[1].ca: ${gone} ENOENT`,
    ],
  )
  rmSync(place, { recursive: true })
})
