import type { RecheckList } from '#api'
import type { Problem } from '#error'
import type { OpenReport, RecheckReport, SettledAdmission } from '#recheck'

/** One of either. */
export type RecheckItem = RecheckList['open'][number] | RecheckList['settled'][number]

/** What is open, oldest first, and what came of the rest, newest first. */
export function listOf(report: RecheckReport, limit: number, now: Date): RecheckList {
  const { size, unread, isFull, open, settled, totals } = report
  return {
    time: now.toISOString(),
    size,
    unread,
    full: isFull,
    pending: open.length,
    ...totals,
    open: open.slice(0, limit).map(openItem),
    settled: settled.slice(0, limit).map(settledItem),
  }
}

function openItem(one: OpenReport): RecheckList['open'][number] {
  const { isOverdue, attempt, unreadable } = one
  const problems = attempt?.problems ?? (unreadable === undefined ? [] : [unreadable])
  return {
    state: isOverdue ? 'overdue' : 'pending',
    ...common(one),
    tries: attempt?.times ?? 0,
    ...(attempt === undefined
      ? {}
      : {
          tried: new Date(attempt.at).toISOString(),
          next: new Date(attempt.next).toISOString(),
          unavailable: [...new Set(attempt.away)].slice(0, 32),
        }),
    problems: problems.map(shown),
  }
}

function settledItem(one: SettledAdmission): RecheckList['settled'][number] {
  const { entry, time, verdict, reasons } = one.recheck
  return {
    state: verdict === 'ALLOW' ? 'verified' : 'refused',
    ...common(one),
    entry,
    time,
    verdict,
    problems: reasons.map(shown),
  }
}

function common({
  first,
  last,
  times,
  since,
  artifact,
  environment,
  service,
  requester,
}: OpenReport | SettledAdmission) {
  const { name, sha256 } = artifact
  return {
    first,
    last,
    times,
    admitted: since,
    artifact: { name, sha256 },
    target: { environment, service },
    ...(requester === undefined ? {} : { requester }),
  }
}

function shown({ code, where = '', expected, found, fix }: Problem) {
  return { code, where, expected, found, fix }
}
