import type { Config } from '#config'
import type { ProblemCode } from '#error'
import type { BodyStore, Log, LogView } from '#log'
import type { Journal, Metrics } from '#server'
import { checkChokePoints } from '../access/choke-points.ts'
import { findingsOf } from '../access/findings.ts'
import { inventoryOf } from '../access/inventory.ts'
import { judgeGrant } from '../access/judge.ts'
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
  /** Between two looks. */
  readonly seconds: number
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

/** What has to be done is told by `sallyport access`; this only says that there is something. */
export function watchAccess(parts: AccessWatchParts): AccessWatch {
  const { metrics, journal, seconds } = parts
  const reviews = openReviews()
  let counts: ReadonlyMap<ProblemCode, number> = new Map()
  let told = ''
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
      counts = await countFindings(parts, reviews, {
        readUses: looks > 0,
        isStopped: () => isStopped,
      })
      if (isStopped) return
      looks += 1
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

async function countFindings(
  { config, log, bodies, rulebook, clock }: AccessWatchParts,
  reviews: ReturnType<typeof openReviews>,
  { readUses, isStopped }: { readonly readUses: boolean; readonly isStopped: () => boolean },
): Promise<ReadonlyMap<ProblemCode, number>> {
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
  const findings = [
    ...grants.flatMap((grant) =>
      findingsOf(judgeGrant(grant, { reviews, seen }, { now, intervalMs, soonMs })),
    ),
    ...paths.flatMap((path) => path.findings),
    ...points.findings,
  ]
  const ofUse: readonly ProblemCode[] = ['GRANT_UNUSED', 'CHOKE_POINT_OTHER']
  return new Map(
    counted
      // What has not been looked for is not zero.
      .filter((code) => seen !== undefined || !ofUse.includes(code))
      .map((code) => [code, findings.filter((one) => one.code === code).length]),
  )
}
