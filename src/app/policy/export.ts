import type { Config } from '#config'
import { exportVerified, type Decision } from '#decision'
import { SallyportError } from '#error'
import { createReplayMemory, type BodyStore } from '#log'
import { readLog } from '../log.ts'
import { recordedQuestions, type RecordedQuestion } from './question.ts'
import { withRecord, type RecordedExport } from './with-record.ts'

/**
 * What a recorded decision believed, for other policy engines: made again from the log and its bodies alone, every signature
 * verified again at the time of the decision.
 *
 * @throws SallyportError RECORD_MALFORMED, RECORD_BODY_MISSING, LOG_…
 */
export async function exportRecorded(
  config: Config,
  entry: number,
): Promise<{ readonly exported: RecordedExport; readonly decision: Decision }> {
  const found: RecordedQuestion[] = []
  await recordedQuestions(config, { index: entry }, (one) => found.push(one))
  const [recorded] = found
  if (recorded === undefined) throw new TypeError('the log gave no entry')
  const { decision, question } = recorded
  const verifier = await readLog(config, (_, bodies) =>
    verifierOf(decision, question.roots, bodies),
  )
  return {
    decision,
    exported: withRecord(exportVerified(decision, question.evidence, verifier), config, entry),
  }
}

async function verifierOf(
  { inputs }: Decision,
  roots: RecordedQuestion['question']['roots'],
  bodies: BodyStore,
) {
  const { file, digest } = inputs.trust
  const bytes = await bodies.get(digest)
  if (bytes !== undefined) return createReplayMemory().trust({ file, bytes }, roots).verifier
  throw new SallyportError({
    code: 'RECORD_BODY_MISSING',
    where: file,
    expected: `a body with SHA-256 ${digest}`,
    found: 'none in the body store',
    fix: `Restore ${digest} from a copy of the body store (the folder "blobs" of Sallyport’s home)`,
  })
}
