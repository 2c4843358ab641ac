import type { Config } from '#config'
import type { VerifiedExport } from '#decision'

/** An export, and which recorded decision it was made from. */
export type RecordedExport = VerifiedExport & {
  readonly record: { readonly log: string; readonly entry: number }
}

/** Says which decision an export was made from, so that whoever has it can ask the log. */
export function withRecord(
  exported: VerifiedExport,
  { log }: Config,
  entry: number,
): RecordedExport {
  return { ...exported, record: { log: log.origin, entry } }
}
