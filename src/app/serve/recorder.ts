import type { BodyStore, Log, Receipt, SpoolReceipt } from '#log'

/** Durable, and in the log as soon as that can be reached. */
export interface Spooled {
  readonly spooled: SpoolReceipt
}

/** What was recorded is in the log, or waits for it. */
export type Recorded = Receipt | Spooled

/** Writes to a log and a body store. It MUST write the same when it is called again: it may be, with a spool in their place. */
export type Recording = (
  log: Pick<Log, 'append'>,
  bodies: Pick<BodyStore, 'put' | 'get'>,
) => Promise<Receipt>

/** Resolves when what was recorded is durable. */
export type Recorder = (recording: Recording) => Promise<Recorded>

/** Where it stands in the log, for whoever is answered. */
export function placeInLog(recorded: Recorded): number | 'spooled' {
  return 'spooled' in recorded ? 'spooled' : recorded.index
}

/** A name for it that nothing else has. */
export function nameInLog(recorded: Recorded): number | string {
  if (!('spooled' in recorded)) return recorded.index
  return `${recorded.spooled.number} of the spool ${recorded.spooled.spool}`
}
