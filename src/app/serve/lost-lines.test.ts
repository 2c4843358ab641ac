import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openMetrics } from '#server'
import { countLostLines } from './lost-lines.ts'

test('lines that nobody takes are counted, and warn', async () => {
  let lost = 0
  const metrics = openMetrics()
  const { warnings } = countLostLines(() => lost, metrics)
  assert.deepEqual(warnings(), [])
  lost = 3
  assert.deepEqual(
    warnings().map(({ code, found }) => [code, found]),
    [['JOURNAL_UNREAD', '3 lines that could not be written']],
  )
  assert.match(await metrics.text(), /sallyport_journal_lost_lines 3/)
})
