import { openCheckpoint, type LogIdentity, type OpenedCheckpoint } from '#merkle'
import { journalStart, parseJournal, type JournalDigest, type ReadRecord } from './journal.ts'
import type { JournalMark, LogStorage, LogWriter } from './ports.ts'
import { damaged } from './refusals.ts'
import { checkpointPath } from './view.ts'

type Batch = Extract<ReadRecord, { kind: 'batch' }>

/** What is stored, as recovery finds it. */
export interface Stored {
  /** The newest checkpoint whose whole tree is known to be durable; undefined when there is no log. */
  readonly base: OpenedCheckpoint | undefined
  readonly published: OpenedCheckpoint | undefined
  /** What was written ahead since the base. The signer may not remember the last of them. */
  readonly batches: readonly Batch[]
  /** The journal ends in something that is no record: an append that a crash cut off, or damage. */
  readonly torn: boolean
  /** The journal is its head and nothing else. */
  readonly clean: boolean
  readonly mark: JournalMark | undefined
  readonly digest: JournalDigest
}

export async function readStored({
  storage,
  writer,
  log,
  journalKey,
}: {
  readonly storage: LogStorage
  readonly writer: LogWriter
  readonly log: LogIdentity
  readonly journalKey: Uint8Array
}): Promise<Stored> {
  const published = await readPublished(storage, log)
  const mark = await writer.journalMark()
  const journal = mark === undefined ? new Uint8Array() : await writer.readJournal(0)
  return { ...openStored({ published, journal, log, journalKey }), mark }
}

/** What is stored, as whoever only looks finds it, beside others who write; undefined without a journal. */
export async function peekStored(
  storage: Pick<LogStorage, 'read' | 'peekJournal'>,
  log: LogIdentity,
): Promise<Omit<Stored, 'mark'> | undefined> {
  const journal = await storage.peekJournal()
  if (journal === undefined) return undefined
  // After the journal: then it is never older than the head of that.
  const published = await readPublished(storage, log)
  return openStored({ published, journal, log, journalKey: undefined })
}

/** Without the key of the journal no batch counts as sealed. */
function openStored({
  published,
  journal,
  log,
  journalKey,
}: {
  readonly published: OpenedCheckpoint | undefined
  readonly journal: Uint8Array
  readonly log: LogIdentity
  readonly journalKey: Uint8Array | undefined
}): Omit<Stored, 'mark'> {
  const { records, digest, end } = parseJournal(journal, journalStart, journalKey)
  const [head, ...rest] = records
  const base = head?.kind === 'head' ? open(head.checkpoint, log, 'head of the journal') : published
  const batches = head?.kind === 'head' ? rest.filter((record) => record.kind === 'batch') : []
  const torn = end < journal.length || batches.length < rest.length
  const clean = head?.kind === 'head' && rest.length === 0 && !torn
  return { base, published, batches, torn, clean, digest }
}

/**
 * The checkpoint is written without waiting for the disk, so a power failure may leave an older one, or a file of
 * nothing; the journal makes up for that. Anything else that does not verify was not written by the log.
 */
async function readPublished(
  storage: Pick<LogStorage, 'read'>,
  log: LogIdentity,
): Promise<OpenedCheckpoint | undefined> {
  const bytes = await storage.read(checkpointPath)
  if (bytes === undefined || bytes.every((byte) => byte === 0)) return undefined
  return open(Buffer.from(bytes).toString(), log, checkpointPath)
}

function open(note: string, log: LogIdentity, where: string): OpenedCheckpoint {
  try {
    return openCheckpoint(note, log)
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : String(cause)
    throw damaged(where, `a checkpoint signed by the keys of ${log.origin}`, found, cause)
  }
}
