import { existsSync } from 'node:fs'
import type { BuildRecordConfig } from '#config'
import type { EvidenceItem } from '#decision'
import { SallyportError, type Problem } from '#error'
import { checkBuildRecord, receiptBeside } from '../builds/check-record.ts'

/** What the receipt beside an artifact says of its build. */
export type InspectedRecord =
  | {
      readonly state: 'recorded'
      readonly origin: string
      readonly index: number
      /** When, and for whom, by who keeps the record. */
      readonly time: string
      readonly requester: string
      /** Who asked for the build, as the builder said. */
      readonly trigger: string
      readonly build: string
    }
  | { readonly state: 'unchecked' }
  | { readonly state: 'not-believed'; readonly problems: readonly Problem[] }

/** Looks at the receipt beside a file; undefined when there is none. */
export async function inspectRecord(
  artifact: { readonly name: string; readonly sha256: string; readonly path: string },
  items: readonly EvidenceItem[],
  settings: BuildRecordConfig | undefined,
): Promise<InspectedRecord | undefined> {
  const { name, sha256, path } = artifact
  const file = receiptBeside(path)
  if (!existsSync(file)) return undefined
  if (settings === undefined) return { state: 'unchecked' }
  try {
    const { origin, index, record, problems } = await checkBuildRecord({
      settings,
      name,
      sha256,
      file,
      items,
    })
    if (problems.length > 0) return { state: 'not-believed', problems }
    const { time, requester, recorded } = record
    const { trigger, build } = recorded
    const who = trigger.principal ?? trigger.requester
    return { state: 'recorded', origin, index, time, requester, trigger: who, build }
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error
    return { state: 'not-believed', problems: error.problems }
  }
}
