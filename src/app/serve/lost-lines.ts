import type { Problem } from '#error'
import type { Metrics } from '#server'

/** A gate goes on without a reader of its journal; what is lost meanwhile is counted, and somebody has to look. */
export function countLostLines(
  lostLines: () => number,
  metrics: Metrics,
): { readonly warnings: () => readonly Problem[] } {
  metrics.gauge(
    'sallyport_journal_lost_lines',
    'Lines of the journal that nobody could take',
    lostLines,
  )
  return {
    warnings() {
      const lost = lostLines()
      return lost === 0 ? [] : [unread(lost)]
    },
  }
}

function unread(lost: number): Problem {
  return {
    code: 'JOURNAL_UNREAD',
    where: 'standard output',
    expected: 'somebody who takes every line of the journal',
    found: `${lost} ${lost === 1 ? 'line' : 'lines'} that could not be written`,
    fix: 'See why the reader of the journal ended, or whether its disk is full; then start the gate again. Decisions are recorded all the same',
  }
}
