import type { Problem } from '#error'
import type { Metrics } from '#server'

/**
 * A server goes on without a reader of its journal; what is lost meanwhile is counted, and somebody has to look.
 * `all` says what is done all the same.
 */
export function countLostLines(
  lostLines: () => number,
  metrics: Metrics,
  all = 'Decisions are recorded',
): { readonly warnings: () => readonly Problem[] } {
  metrics.gauge(
    'sallyport_journal_lost_lines',
    'Lines of the journal that nobody could take',
    lostLines,
  )
  return {
    warnings() {
      const lost = lostLines()
      return lost === 0 ? [] : [unread(lost, all)]
    },
  }
}

function unread(lost: number, all: string): Problem {
  return {
    code: 'JOURNAL_UNREAD',
    where: 'standard output',
    expected: 'somebody who takes every line of the journal',
    found: `${lost} ${lost === 1 ? 'line' : 'lines'} that could not be written`,
    fix: `See why the reader of the journal ended, or whether its disk is full; then start the server again. ${all} all the same`,
  }
}
