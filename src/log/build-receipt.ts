import { z } from 'zod'
import { checkShape, encodeCanonical, parseJson } from '#document'
import { quote, SallyportError } from '#error'
import { verifyTlogProof, type LogIdentity } from '#merkle'
import { buildRecordForm, type BuildRecord } from './build-record.ts'

const receiptSchema = z.strictObject({
  apiVersion: z.literal('sallyport.dev/v1'),
  kind: z.literal('BuildReceipt'),
  /** The bytes of the entry, which are text. */
  record: z.string().min(1).max(65_535),
  /** A `.tlog-proof`. */
  proof: z.string().min(1).max(2_000_000),
})

/** What proves to everybody that a build is recorded elsewhere: the entry, and the proof that it is in that log. */
export type BuildReceipt = Pick<z.infer<typeof receiptSchema>, 'record' | 'proof'>

/** A receipt that was verified. */
export interface OpenedBuildReceipt {
  readonly index: number
  readonly record: BuildRecord
}

/** The receipt as it is kept beside an artifact. */
export function encodeBuildReceipt({ record, proof }: BuildReceipt): Uint8Array {
  return encodeCanonical({ apiVersion: 'sallyport.dev/v1', kind: 'BuildReceipt', record, proof })
}

/** A receipt as it was kept; nothing of it is believed. */
export function parseBuildReceipt(bytes: Uint8Array): BuildReceipt {
  const what = 'the receipt of the build'
  const { record, proof } = checkShape(receiptSchema, parseJson(bytes, { what }), { what })
  return { record, proof }
}

/**
 * Verifies a receipt offline: the entry is the record of a build, and it is in the log that has these keys.
 *
 * @throws SallyportError BUILD_RECORD_INVALID
 */
export function openBuildReceipt(receipt: BuildReceipt, log: LogIdentity): OpenedBuildReceipt {
  try {
    const entry = Buffer.from(receipt.record)
    const record = buildRecordForm.parse(entry)
    if (record === undefined) throw notProven(log, 'an entry of another kind')
    return { index: verifyTlogProof(receipt.proof, entry, log).index, record }
  } catch (cause) {
    if (!(cause instanceof SallyportError) || cause.code === 'BUILD_RECORD_INVALID') throw cause
    const [{ code, expected, found } = { code: '', expected: '', found: '' }] = cause.problems
    throw notProven(log, `${code}: expected ${expected}; found ${found}`, cause)
  }
}

function notProven({ origin }: LogIdentity, found: string, cause?: unknown): SallyportError {
  return new SallyportError(
    {
      code: 'BUILD_RECORD_INVALID',
      where: 'the receipt of the build',
      expected: `the record of a build, proven to be in the log ${quote(origin)} by the keys under build.record.verifierKeys`,
      found: found.slice(0, 600),
      fix: 'Look at who answers at build.record.url, and compare build.record.verifierKeys with what `sallyport log keys` prints there',
    },
    { cause },
  )
}
