import { setTimeout as wait } from 'node:timers/promises'
import type { Config } from '#config'
import { SallyportError } from '#error'
import { openLogView, type LogStorage } from '#log'
import { openCheckpoint, parseCheckpointText, parseNote } from '#merkle'
import type { EntryReceipt, GateService, ReceiptWait } from '#server'
import { identityOf } from '../witness/policy.ts'
import type { Witnessing } from './witnessing.ts'

export interface ReceiptParts {
  readonly config: Config
  readonly storage: Pick<LogStorage, 'read'>
  /** Entries that are durable in the log, published or not. */
  readonly size: () => number
  readonly witnessing: Pick<Witnessing, 'rounds'>
}

const lookMs = 50
/** What another replica has answered is known here that soon. */
const toldMs = 1000

/** Receipts of a gate that runs. */
export function giveReceipts(parts: ReceiptParts): GateService['receipt'] {
  const { config, storage, size, witnessing } = parts
  return async (entry, until) => {
    const end = performance.now() + (until?.ms ?? 0)
    const told = Math.min(end, performance.now() + toldMs)
    // Whoever was answered by one replica may ask another before that one has heard of it.
    while (performance.now() < told && !(await isThere(entry, parts))) await wait(lookMs)
    if (until?.state === 'witnessed')
      await untilWitnessed(entry, { ...until, ms: Math.max(0, end - performance.now()) }, parts)
    for (;;) {
      const witnessed = witnessing.rounds?.witnessed?.note
      const receipt = await receiptOf(entry, { config, storage, size: size(), witnessed })
      if (receipt.state !== 'sequenced' || performance.now() >= end) return receipt
      await wait(lookMs)
    }
  }
}

async function isThere(entry: number, { config, storage, size }: ReceiptParts): Promise<boolean> {
  return entry < size() || entry < (await openLogView(storage, identityOf(config))).size
}

async function untilWitnessed(
  entry: number,
  { ms }: ReceiptWait,
  { witnessing, size }: ReceiptParts,
): Promise<void> {
  const { rounds } = witnessing
  if (rounds === undefined)
    throw new SallyportError({
      code: 'REQUEST_PARAMETER',
      where: 'wait',
      expected: '"published": this log has no witnesses',
      found: '"witnessed"',
      fix: 'Ask with wait=published, or have log.witnesses configured',
    })
  // What is not in the log yet is not waited for.
  if (entry < size()) await rounds.wait(entry + 1, ms)
}

/** @throws SallyportError LOG_ENTRY_UNKNOWN for an entry that the log does not have */
export async function receiptOf(
  entry: number,
  options: Pick<ReceiptParts, 'config' | 'storage'> & {
    readonly size: number
    /** A checkpoint that a quorum has cosigned. */
    readonly witnessed: string | undefined
  },
): Promise<EntryReceipt> {
  const { config, storage, size, witnessed } = options
  const view = await openLogView(storage, identityOf(config))
  const cosigned = witnessed === undefined ? 0 : parseCheckpointText(parseNote(witnessed).text).size
  if (witnessed !== undefined && entry < cosigned) {
    const at = view.at(openCheckpoint(witnessed, identityOf(config)))
    return { state: 'witnessed', proof: await at.receipt(entry) }
  }
  if (entry >= view.size && entry < size) return { state: 'sequenced' }
  return { state: 'published', proof: await view.receipt(entry) }
}

/** Files of the log as readers get them: the checkpoint with its cosignatures. */
export function readServed(
  storage: Pick<LogStorage, 'read'>,
  witnessing: Pick<Witnessing, 'toServe'>,
): GateService['logFile'] {
  return async (path) => {
    const bytes = await storage.read(path)
    return path === 'checkpoint' && bytes !== undefined ? witnessing.toServe(bytes) : bytes
  }
}
