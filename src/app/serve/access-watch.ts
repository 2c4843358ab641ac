import { setImmediate } from 'node:timers/promises'
import type { Config } from '#config'
import type { Problem, ProblemCode } from '#error'
import type { BodyStore, Log, LogView } from '#log'
import type { Journal, Metrics } from '#server'
import { checkChokePoints } from '../access/choke-points.ts'
import { findingsOf } from '../access/findings.ts'
import { inventoryOf } from '../access/inventory.ts'
import { judgeGrant, type JudgedGrant } from '../access/judge.ts'
import { accessPaths } from '../access/paths.ts'
import { openReviews } from '../access/reviews.ts'
import { readSeen, type Seen } from '../access/seen.ts'
import { lookEvery } from './looking.ts'
import type { WatchedRulebook } from './watched-rulebook.ts'

/** Looks now and then at who may do what, and tells how much of it somebody has to do something about. */
export interface AccessWatch extends AsyncDisposable {
  /** Looks now. Never rejects. */
  look(): Promise<void>
}

export interface AccessWatchParts {
  readonly config: Config
  readonly log: Pick<Log, 'view'>
  readonly bodies: BodyStore
  readonly rulebook: Pick<WatchedRulebook, 'current'>
  readonly metrics: Pick<Metrics, 'readings'>
  readonly journal: Journal
  readonly clock: () => Date
  /** Told what a look has found that the look before has not. MUST NOT throw. */
  readonly onFound: (findings: readonly AccessFinding[]) => void
  /** Between two looks. */
  readonly seconds: number
}

/** Something about who may do what that somebody has to look at. */
export interface AccessFinding {
  readonly problem: Problem
  /** What it is about, if it is a grant. */
  readonly grant?: { readonly id: string; readonly sha256: string }
}

const counted: readonly ProblemCode[] = [
  'GRANT_NOT_REVIEWED',
  'GRANT_CHANGED',
  'GRANT_REVIEW_OVERDUE',
  'GRANT_UNUSED',
  'GRANT_ENDS',
  'GRANT_ENDED',
  'ACCESS_PATH_PASSWORD',
  'ACCESS_PATH_OPEN',
  'ACCESS_PATH_PLAINTEXT',
  'CHOKE_POINT_MISSING',
  'CHOKE_POINT_ABSENT',
  'CHOKE_POINT_NO_TARGET',
  'CHOKE_POINT_OTHER',
]
/** Uses are looked for in so many of the newest entries: beside answers, nothing may take long. */
const maxEntries = 10_000
/** Entries after which it is looked whether the gate stops: a bundle, so that none is read twice. */
const stretch = 256

/** A look at thousands of grants that nobody has reviewed must not fill the queue: the next look tells the next. */
const mostTold = 256
/** Findings after which whoever else works here has a turn. */
const atATime = 32

/** What has to be done is told by `sallyport access`; this only says that there is something. */
export function watchAccess(parts: AccessWatchParts): AccessWatch {
  const { metrics, journal, seconds, onFound } = parts
  const reviews = openReviews()
  let counts: ReadonlyMap<ProblemCode, number> = new Map()
  let told = ''
  const tellNew = tellingOnce(onFound)
  // The first look is at what configuration and reviews say: uses are for when the gate has started.
  let looks = 0
  let isStopped = false
  metrics.readings('gauge', {
    name: 'sallyport_access_findings',
    help: 'Grants, paths and choke points that somebody has to look at: sallyport access list, paths, points',
    label: 'code',
    read: () => [...counts],
  })
  const once = async (): Promise<void> => {
    try {
      const findings = await lookForFindings(parts, reviews, {
        readUses: looks > 0,
        isStopped: () => isStopped,
      })
      if (isStopped) return
      counts = countsOf(findings, { readUses: looks > 0 })
      looks += 1
      await tellNew(findings)
      const found = Object.fromEntries([...counts].filter(([, count]) => count > 0))
      const text = JSON.stringify(found)
      if (text !== told && text !== '{}')
        journal.write('warn', 'access to be looked at: sallyport access list, paths, points', found)
      told = text
    } catch (error) {
      counts = new Map()
      journal.error('access not looked at', error)
    }
  }
  const looking = lookEvery(seconds, once)
  return {
    look: looking.look,
    async [Symbol.asyncDispose]() {
      isStopped = true
      await looking[Symbol.asyncDispose]()
    },
  }
}

/** A finding, and what makes it another one. */
type Keyed = readonly [key: string, finding: AccessFinding]

/** Tells each finding when it begins, once for as long as it stays. */
function tellingOnce(onFound: AccessWatchParts['onFound']) {
  let open: ReadonlySet<string> = new Set()
  return async (findings: readonly Keyed[]): Promise<void> => {
    const now = new Map(findings)
    const begun = [...now].filter(([key]) => !open.has(key)).slice(0, mostTold)
    const told = new Set([...open, ...begun.map(([key]) => key)])
    open = new Set([...now.keys()].filter((key) => told.has(key)))
    for (let at = 0; at < begun.length; at += atATime) {
      onFound(begun.slice(at, at + atATime).map(([, finding]) => finding))
      await setImmediate()
    }
  }
}

/** Nobody waits for the rest of a long log when the gate stops. */
function endedBy(isStopped: () => boolean, view: LogView): Pick<LogView, 'size' | 'entries'> {
  return {
    size: view.size,
    async *entries(from = 0, to = view.size, having) {
      for (let begin = from, end; begin < to && !isStopped(); begin = end) {
        end = Math.min(to, begin + stretch - (begin % stretch))
        yield* view.entries(begin, end, having)
      }
    },
  }
}

async function lookForFindings(
  { config, log, bodies, rulebook, clock }: AccessWatchParts,
  reviews: ReturnType<typeof openReviews>,
  { readUses, isStopped }: { readonly readUses: boolean; readonly isStopped: () => boolean },
): Promise<readonly Keyed[]> {
  const { intervalMs, soonMs } = config.accessReview
  const now = clock()
  const { policies, trust } = rulebook.current()
  const view = endedBy(isStopped, await log.view())
  await reviews.read(view)
  const from = new Date(now.getTime() - intervalMs)
  const seen: Seen | undefined = readUses
    ? await readSeen(view, bodies, { from, maxEntries })
    : undefined
  const grants = await inventoryOf(config, { policies, trust })
  const { paths } = await accessPaths(config)
  const points = checkChokePoints(config, policies, [...(seen?.letIn.values() ?? [])])
  return [
    ...grants.flatMap((grant) =>
      ofGrant(judgeGrant(grant, { reviews, seen }, { now, intervalMs, soonMs })),
    ),
    ...paths.flatMap((path) => path.findings).map(ofPath),
    ...points.findings.map(ofPoint),
  ]
}

/** Where a grant stands may change; what it gives makes it another finding. */
function ofGrant(judged: JudgedGrant): readonly Keyed[] {
  const { id, sha256 } = judged
  return findingsOf(judged).map((problem) => [
    `${problem.code} ${id} ${sha256}`,
    { problem, grant: { id, sha256 } },
  ])
}

/** Several paths may be written in one place. */
function ofPath(problem: Problem): Keyed {
  return [`${problem.code} ${problem.where ?? ''} ${problem.found}`, { problem }]
}

/** Where something came in, the newest entry is `where`; how often changes with what is read. */
function ofPoint(problem: Problem): Keyed {
  return [`${problem.code} ${problem.where ?? ''} ${problem.expected}`, { problem }]
}

function countsOf(
  findings: readonly Keyed[],
  { readUses }: { readonly readUses: boolean },
): ReadonlyMap<ProblemCode, number> {
  const ofUse: readonly ProblemCode[] = ['GRANT_UNUSED', 'CHOKE_POINT_OTHER']
  return new Map(
    counted
      // What has not been looked for is not zero.
      .filter((code) => readUses || !ofUse.includes(code))
      .map((code) => [code, findings.filter(([, { problem }]) => problem.code === code).length]),
  )
}
