import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Metrics } from '#server'
import { openEventExport } from './export.ts'

test('an event that a sink does not take waits for too long also when the clock was set back', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-export-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'no-folder'), '')
  const file = { path: join(folder, 'no-folder', 'events.jsonl'), maxMegabytes: 1, keep: 1 }
  const sinks = [{ name: 'siem', file, kinds: ['access'], minimumSeverity: 'info' }]
  let now = Date.parse('2026-06-01T12:00:00Z')
  await using events = await openEventExport({
    config: {
      events: { folder, maxWaiting: 10, warnAfterMs: 60_000, sinks },
      log: { origin: 'log.example' },
    } as never,
    clock: () => new Date(now),
    journal: { write: () => undefined, error: () => undefined },
    metrics: { gauge: () => undefined, readings: () => undefined } as unknown as Metrics,
  })
  events.tell('access.refused', { summary: 'somebody was refused' })
  await events.settle(60_000)
  assert.deepEqual(events.warnings(), [])
  now -= 86_400_000
  assert.deepEqual(
    events.warnings().map(({ code }) => code),
    ['EVENTS_UNDELIVERED'],
  )
})
