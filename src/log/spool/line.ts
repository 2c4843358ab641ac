import { hash } from 'node:crypto'
import { z } from 'zod'
import { checkShape, encodeCanonical, parseJson } from '#document'
import { quote, SallyportError } from '#error'

const digest = z.string().regex(/^[0-9a-f]{64}$/)
const base = { apiVersion: z.literal('sallyport.dev/v1'), previous: digest }
const lineSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    ...base,
    kind: z.literal('SpoolHead'),
    /** The log that the entries are for. */
    origin: z.string().min(1).max(255),
    /** The name of this spool, new with each head. */
    spool: z.string().regex(/^[0-9a-f]{16}$/),
    /** Where the ids in the log begin that the process gives which wrote this. */
    firstId: z.int().max(-1),
  }),
  z.strictObject({
    ...base,
    kind: z.literal('SpoolEntries'),
    time: z.iso.datetime(),
    entries: z
      .array(
        z.strictObject({
          number: z.int().min(0),
          id: z.int(),
          bodies: z.array(digest),
          entry: z.base64(),
        }),
      )
      .min(1),
  }),
  z.strictObject({
    ...base,
    kind: z.literal('SpoolForwarded'),
    /** The line whose entries are in the log by now, with those of all before it. */
    line: digest,
    /** Where they stand there, from the first that was not yet. */
    indexes: z.array(z.int().min(0)),
  }),
])

/** A line of the spool. */
export type SpoolLine = z.infer<typeof lineSchema>
/** One entry of a line, as it is written. */
export type SpooledEntry = Extract<SpoolLine, { kind: 'SpoolEntries' }>['entries'][number]
type WithoutChain<Line> = Line extends unknown ? Omit<Line, 'apiVersion' | 'previous'> : never

/** A line with its place in the file, and the digest that the next one names. */
export interface PlacedLine {
  readonly line: SpoolLine
  readonly digest: string
  readonly from: number
  readonly length: number
}

/** Before the first line of all. */
export const spoolStart = '0'.repeat(64)

const lineFeed = 10
const digestChars = 64
const maxLineBytes = 16 * 2 ** 20

/** The bytes of a line that follows the one with digest `previous`: its SHA-256, a space, and its canonical JSON. */
export function encodeLine(
  line: WithoutChain<SpoolLine>,
  previous: string,
): { readonly bytes: Uint8Array; readonly digest: string } {
  const json = encodeCanonical({ apiVersion: 'sallyport.dev/v1', ...line, previous })
  const digest = hash('sha256', json)
  return { bytes: Buffer.concat([Buffer.from(`${digest} `), json, Buffer.from('\n')]), digest }
}

/**
 * All lines of a spool, and where they end. What follows the last line feed was cut off while it was written, so nobody
 * has been answered for it; anything else that is not as it was written is damage.
 *
 * @throws SallyportError LOG_SPOOL_DAMAGED
 */
export function parseLines(
  bytes: Uint8Array,
  where: string,
): { readonly lines: readonly PlacedLine[]; readonly end: number } {
  const lines: PlacedLine[] = []
  let from = 0
  for (;;) {
    const to = bytes.indexOf(lineFeed, from)
    if (to === -1) break
    const before = lines.at(-1)?.digest
    const length = to + 1 - from
    const place = `${where}, line ${lines.length + 1}`
    const { line, digest } = parseLine(bytes.subarray(from, to + 1), place, before)
    if ((line.kind === 'SpoolHead') !== (from === 0)) {
      throw spoolDamaged(place, 'a head in the first line, and nowhere else', line.kind)
    }
    lines.push({ line, digest, from, length })
    from = to + 1
  }
  return { lines, end: from }
}

/** One line, held against its digest and against the line before it. */
export function parseLine(
  bytes: Uint8Array,
  where: string,
  previous: string | undefined,
): { readonly line: SpoolLine; readonly digest: string } {
  const digest = Buffer.from(bytes.subarray(0, digestChars)).toString('latin1')
  const json = bytes.subarray(digestChars + 1, -1)
  if (bytes.at(digestChars) !== 32 || bytes.at(-1) !== lineFeed || hash('sha256', json) !== digest)
    throw spoolDamaged(where, 'a line that has its digest', 'another one')
  const line = shapeOf(json, where)
  if (previous !== undefined && line.previous !== previous)
    throw spoolDamaged(where, `the line after ${previous}`, `one after ${line.previous}`)
  return { line, digest }
}

function shapeOf(json: Uint8Array, where: string): SpoolLine {
  try {
    const value = parseJson(json, { what: where, maxBytes: maxLineBytes })
    return checkShape(lineSchema, value, { what: where })
  } catch (cause) {
    const found = quote(cause instanceof Error ? cause.message : cause, 300)
    throw spoolDamaged(where, 'a line of a spool', found, cause)
  }
}

export function spoolDamaged(
  where: string,
  expected: string,
  found: string,
  cause?: unknown,
): SallyportError {
  return new SallyportError(
    {
      code: 'LOG_SPOOL_DAMAGED',
      where,
      expected,
      found,
      fix: 'Move the folder of the spool away, with the file beside the memory of the signer that ends in .spool and its number, and keep both as evidence: decisions that were answered are in it and may not be in the log. Then start the gate again',
    },
    { cause },
  )
}
