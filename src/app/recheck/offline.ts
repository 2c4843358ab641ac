import type { RecheckList } from '#api'
import type { Config } from '#config'
import { SallyportError } from '#error'
import { isOverdue, RecheckBook, RecheckQueue, type RecheckReport } from '#recheck'
import { openNetwork } from '../artifact/network.ts'
import { bellOf } from '../breakglass/bell.ts'
import { openGate, startGateSigner } from '../gate.ts'
import { readLog } from '../log.ts'
import { readRulebook } from '../rulebook.ts'
import { askAgain } from './ask-again.ts'
import { ringRechecks } from './events.ts'
import { listOf } from './list.ts'
import { taken } from './problems.ts'
import { openRecheckStore } from './store.ts'

const most = 1000
const slice = 4096
const tellMs = 3_000

/** What was let in because evidence could not be had, by the log alone: needs no key, and disturbs nobody. */
export async function listRechecks(config: Config, now: Date): Promise<RecheckList> {
  return await readLog(config, async (view, bodies) => {
    const book = new RecheckBook(bodies)
    while (await book.read(view, slice));
    const { recheckMs } = config.alarms
    const report: RecheckReport = {
      size: book.size,
      unread: view.size - book.size,
      isFull: book.isFull,
      open: book
        .open()
        .map((one) => ({ ...one, isOverdue: isOverdue(one.since, now.getTime(), recheckMs) })),
      settled: book.settled(),
      totals: book.totals,
    }
    return listOf(report, most, now)
  })
}

export interface RecheckNowReport extends RecheckList {
  /** What came of it this time: decisions from this entry of the log on. */
  readonly from: number
  /** Alarms that nobody has heard yet. */
  readonly unheard: number
}

/**
 * Decides all of it again, once, where no gate runs that does so by itself.
 *
 * @throws SallyportError RECHECK_TAKEN, LOG_…, POLICY_…, TRUST_…
 */
export async function recheckNow(config: Config, clock: () => Date): Promise<RecheckNowReport> {
  const starting = startGateSigner(config)
  starting.catch(() => undefined)
  try {
    const rulebook = await readRulebook(config, {})
    await using gate = await openGate(config, starting)
    await using network = openNetwork(config.evidence)
    const bell = bellOf(config, clock)
    const store = await openRecheckStore(config)
    const errors: unknown[] = []
    const queue = new RecheckQueue({
      log: gate.log,
      bodies: gate.bodies,
      store,
      ask: askAgain({
        config,
        log: gate.log,
        bodies: gate.bodies,
        rulebook: () => rulebook,
        http: () => network.http(),
        cache: () => network.cache,
        credentials: () => network.credentials(),
        clock,
      }),
      ring: ringRechecks(bell, config, clock),
      clock,
      random: () => 0,
      overdueMs: config.alarms.recheckMs,
      onError: (error) => errors.push(error),
    })
    try {
      const from = (await gate.log.view()).size
      if (!(await store.take())) throw new SallyportError(taken)
      await queue.lookAtAll()
      if (errors.length > 0) throw errors[0]
      await bell.deliver({ withinMs: tellMs, all: true })
      const list = listOf(queue.report(), most, clock())
      return { ...list, from, unheard: (await bell.pending()).length }
    } finally {
      await queue.close()
    }
  } catch (error) {
    await starting.then((signer) => signer?.close()).catch(() => undefined)
    throw error
  }
}
