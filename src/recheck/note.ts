import { z } from 'zod'
import { checkShape, encodeCanonical, parseJson, type Json } from '#document'
import { SallyportError } from '#error'
import type { LogView } from '#log'
import type { BookState } from './book.ts'

/** How far a log has been read, what is open in it, and up to where everything has rung that has to. */
export interface RecheckNote extends BookState {
  readonly origin: string
  /** The root of the tree of the first `size` entries: of another log nothing is known. */
  readonly root: string
  /** Rechecks before this entry have rung. */
  readonly rung: number
  /** First entries of those that have rung because they are too old. */
  readonly overdue: readonly number[]
}

const text = z.string().max(20_000)
const count = z.int().min(0)
const problem = z.strictObject({
  code: text,
  where: text.exactOptional(),
  expected: text,
  found: text,
  fix: text,
})
const admission = z.strictObject({
  question: text,
  first: count,
  last: count,
  since: text,
  until: text,
  times: count,
  artifact: z.strictObject({ name: text, sha256: text }),
  environment: text,
  service: text,
  requester: text.exactOptional(),
  unreadable: problem.exactOptional(),
})
const noteSchema = z.strictObject({
  apiVersion: z.literal('sallyport.dev/v1'),
  kind: z.literal('RecheckNote'),
  origin: text,
  root: text,
  size: count,
  rung: count,
  overdue: z.array(count).max(20_000),
  open: z.array(admission).max(20_000),
  settled: z
    .array(
      admission.extend({
        recheck: z.strictObject({
          entry: count,
          time: text,
          verdict: z.enum(['ALLOW', 'DENY']),
          reasons: z.array(problem).max(64),
        }),
      }),
    )
    .max(20_000),
  totals: z.strictObject({ verified: count, refused: count }),
})
const maxBytes = 256 * 1024 * 1024

export function encodeNote(note: RecheckNote): Uint8Array {
  const header = { apiVersion: 'sallyport.dev/v1', kind: 'RecheckNote' }
  return encodeCanonical({ ...header, ...note } as unknown as Json)
}

/**
 * The note, when it is about this log and can be read. It saves reading, and nothing else: whatever is odd about it, the log is
 * read from its beginning.
 */
export async function openNote(
  bytes: Uint8Array | undefined,
  view: LogView,
): Promise<RecheckNote | undefined> {
  if (bytes === undefined) return undefined
  try {
    const what = 'the note of rechecks'
    const value = parseJson(bytes, { what, maxBytes })
    const { apiVersion: _, kind: __, ...note } = checkShape(noteSchema, value, { what })
    if (note.origin !== view.checkpoint.origin || note.size > view.size) return undefined
    return note.root === (await rootOf(view, note.size)) ? (note as RecheckNote) : undefined
  } catch (error) {
    if (error instanceof SallyportError && !error.code.startsWith('LOG_')) return undefined
    throw error
  }
}

export async function rootOf(view: LogView, size: number): Promise<string> {
  return Buffer.from(await view.rootAt(size)).toString('base64')
}
