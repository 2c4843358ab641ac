import type { Config } from '#config'
import { cut } from '#document'
import type { Log } from '#log'
import type { GateService } from '#server'
import { inventoryOf } from '../access/inventory.ts'
import { idOfIssuerGrant } from '../access/of-config.ts'
import { judgeGrant, type JudgedGrant } from '../access/judge.ts'
import { lookedAt, recordReview } from '../access/looked-at.ts'
import { openReviews } from '../access/reviews.ts'
import type { WatchedRulebook } from './watched-rulebook.ts'

type Desk = NonNullable<GateService['access']>
type Listed = Awaited<ReturnType<Desk['grants']>>['grants'][number]

export interface AccessDeskParts {
  readonly config: Config
  readonly log: Pick<Log, 'view' | 'append'>
  readonly rulebook: Pick<WatchedRulebook, 'current'>
  readonly clock: () => Date
}

/** Tells who may do what, and records reviews by whoever is authenticated. */
export function openAccessDesk({ config, log, rulebook, clock }: AccessDeskParts): Desk {
  const { intervalMs, soonMs } = config.accessReview
  const reviews = openReviews()
  return {
    async grants() {
      const inventory = await inventoryOf(config, rulebook.current())
      await reviews.read(await log.view())
      const rules = { now: clock(), intervalMs, soonMs }
      return { grants: inventory.map((one) => listed(judgeGrant(one, { reviews }, rules))) }
    },
    async review({ grants, finding }, { name: principal, grants: fitting = [] }) {
      const by = cut(principal, 200)
      const inventory = await inventoryOf(config, rulebook.current())
      const holds = fitting.map(idOfIssuerGrant)
      const looked = lookedAt(grants, inventory, { by, principal, holds })
      const [entry = -1] = await recordReview(log, looked, { by, principal, finding, now: clock() })
      return entry
    },
  }
}

function listed(grant: JudgedGrant): Listed {
  const { id, sha256, kind, who, may, where, until, state, reviewBy, review } = grant
  return {
    id,
    sha256,
    kind,
    who,
    may: [...may],
    where,
    state,
    ...(until === undefined ? {} : { until }),
    ...(reviewBy === undefined ? {} : { reviewBy }),
    ...(review === undefined
      ? {}
      : {
          review: {
            entry: review.entry,
            time: review.time,
            by: review.by,
            finding: review.finding,
          },
        }),
  }
}
