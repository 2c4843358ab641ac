import { setTimeout as wait } from 'node:timers/promises'
import type { Config } from '#config'
import { SallyportError } from '#error'
import { openLogView, type LogStorage, type Rounds } from '#log'
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
const atOnce: ReceiptWait = { state: 'published', ms: 0 }

/** Receipts of a gate that runs. */
export function giveReceipts(parts: ReceiptParts): GateService['receipt'] {
  const { config, storage, size, witnessing } = parts
  const publishedSize = lookTogether(parts)
  const isThere = async (entry: number) => entry < size() || entry < (await publishedSize())
  return async (entry, { state, ms } = atOnce) => {
    const end = performance.now() + ms
    const told = Math.min(end, performance.now() + toldMs)
    // Whoever was answered by one replica may ask another before that one has heard of it.
    while (performance.now() < told && !(await isThere(entry))) await wait(lookMs)
    // What is not in the log yet is not waited for.
    if (state === 'witnessed') {
      const rounds = roundsOf(witnessing)
      if (await isThere(entry)) await rounds.wait(entry + 1, Math.max(0, end - performance.now()))
    }
    for (;;) {
      const witnessed = witnessing.rounds?.witnessed?.note
      const receipt = await receiptOf(entry, { config, storage, size: size(), witnessed })
      if (receipt.state !== 'sequenced' || performance.now() >= end) return receipt
      await wait(lookMs)
    }
  }
}

/** What is published, as one look of a moment ago has it for all who ask: hundreds may wait for what never comes. */
function lookTogether({ config, storage }: ReceiptParts): () => Promise<number> {
  let looked: { readonly at: number; readonly size: Promise<number> } | undefined
  return () => {
    const now = performance.now()
    if (looked === undefined || now - looked.at >= lookMs)
      looked = { at: now, size: openLogView(storage, identityOf(config)).then(({ size }) => size) }
    return looked.size
  }
}

function roundsOf({ rounds }: ReceiptParts['witnessing']): Rounds {
  if (rounds !== undefined) return rounds
  throw new SallyportError({
    code: 'REQUEST_PARAMETER',
    where: 'wait',
    expected: '"published": this log has no witnesses',
    found: '"witnessed"',
    fix: 'Ask with wait=published, or have log.witnesses configured',
  })
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
