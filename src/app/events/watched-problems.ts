import type { EventName, SecurityEventData } from '#api'
import type { Problem } from '#error'
import { cut } from '#events'

export interface WatchedParts {
  readonly tell: (name: EventName, data: SecurityEventData, key?: string) => void
  /** What keeps the gate from answering, and what somebody has to look at. */
  readonly health: () => readonly Problem[]
  readonly warnings: () => readonly Problem[]
  /** When the certificate in use ends. */
  readonly certificateEnds: () => Date | undefined
  readonly clock: () => Date
}

type Severe = 'gate.unready' | 'gate.warning'

/** Told before the certificate ends. */
const endingMs = 14 * 86_400_000
const most = 64

/** Tells of each problem of the gate when it begins and when it is over. Call it again and again. */
export function watchProblems(parts: WatchedParts): () => void {
  let before: ReadonlyMap<string, Problem> = new Map()
  let told = ''
  return () => {
    const now = new Map([
      ...keyed('gate.warning', parts.warnings()),
      ...keyed('gate.unready', parts.health()),
    ])
    for (const [key, problem] of now)
      if (!before.has(key)) parts.tell(key.split('\n')[0] as Severe, dataOf(problem))
    for (const [key, problem] of before)
      if (!now.has(key)) parts.tell('gate.recovered', dataOf(problem))
    before = now
    const ends = parts.certificateEnds()
    const left = (ends?.getTime() ?? Infinity) - parts.clock().getTime()
    const text = ends?.toISOString() ?? ''
    if (left > endingMs || text === told) return
    told = text
    const summary = `the certificate of the gate ends at ${text}`
    parts.tell('certificate.ending', { summary, ends: text }, text)
  }
}

function keyed(name: Severe, problems: readonly Problem[]): [string, Problem][] {
  return problems
    .slice(0, most)
    .map((problem) => [`${name}\n${problem.code}\n${problem.where ?? ''}`, problem])
}

export function dataOf({ code, where = '', expected, found, fix }: Problem): SecurityEventData {
  return {
    summary: cut(`${code} at ${where}: ${found}`, 1000),
    problem: {
      code,
      where: cut(where, 400),
      expected: cut(expected, 400),
      found: cut(found, 400),
      fix: cut(fix, 400),
    },
  }
}
