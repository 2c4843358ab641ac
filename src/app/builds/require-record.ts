import type { Config } from '#config'
import { engine, type Target } from '#decision'
import { SallyportError } from '#error'
import { recordRefusal } from '#log'
import type { Gate } from '../gate.ts'
import type { Question } from '../verify.ts'
import { checkBuildRecord, receiptBeside } from './check-record.ts'

export interface RequireRecordOptions {
  readonly config: Config
  readonly target: Target
  readonly requester: string
  readonly now: Date
  /** The receipt; left out: where it lies beside the artifact. */
  readonly file?: string
}

/**
 * Refuses an artifact whose build is not recorded elsewhere, or is not what was recorded. The refusal is in the log before
 * anybody hears of it.
 *
 * @throws SallyportError BUILD_RECORD_…
 */
export async function requireBuildRecord(
  { artifact, looked }: Pick<Question, 'artifact' | 'looked'>,
  { log }: Pick<Gate, 'log'>,
  { config, target, requester, now, file }: RequireRecordOptions,
): Promise<void> {
  const { name, typed, digest } = artifact
  try {
    const { problems } = await checkBuildRecord({
      settings: config.build.record,
      name,
      sha256: digest.sha256,
      file: file ?? receiptBeside(typed),
      items: looked.evidence.items,
    })
    SallyportError.throwAll(problems)
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error
    await recordRefusal(log, {
      apiVersion: 'sallyport.dev/v1',
      kind: 'Refusal',
      time: now.toISOString(),
      engine,
      chokePoint: config.chokePoint,
      requester,
      asked: { name, sha256: digest.sha256, ...target },
      reasons: error.problems.map(({ where = '', ...problem }) => ({ where, ...problem })),
    })
    throw error
  }
}
