import { z } from 'zod'
import type { Config } from '#config'
import { decisionExitCode, engine, readExternalResult, type Decision } from '#decision'
import { canonicalJson, parseJson, sha256Hex } from '#document'
import { quote, SallyportError } from '#error'
import { recordExternalVerdict, type ExternalVerdict } from '#log'
import { openGate, startGateSigner } from '../gate.ts'
import { readFileBounded } from '../input.ts'
import { askerOf } from '../pipeline/asker.ts'
import { exportRecorded } from './export.ts'

export interface RecordVerdictOptions {
  readonly config: Config
  /** The file that the other engine was given. */
  readonly exportFile: string
  /** What it said, as it said it, or the file that has it. */
  readonly result: Uint8Array | { readonly file: string }
  readonly by: {
    readonly name: string
    readonly version?: string
    /** The policy that it judged by, a file. */
    readonly policyFile?: string
  }
  readonly env: Readonly<Record<string, string | undefined>>
  readonly now: () => Date
}

export interface VerdictReport {
  readonly index: number
  readonly verdict: ExternalVerdict
  /** The decision of Sallyport, which stays as it is. */
  readonly decision: Decision
  /** 0 only when both say yes; what one of them says never makes up for the other. */
  readonly exit: 0 | 1 | 2 | 3
}

/**
 * Records what another policy engine has said about an export. The export must be exactly what the log says was believed:
 * it is made again from the recorded evidence, with every signature verified, and compared.
 *
 * @throws SallyportError EXTERNAL_EXPORT_DIFFERS, EXTERNAL_VERDICT_MALFORMED, RECORD_…, LOG_…
 */
export async function recordVerdict(options: RecordVerdictOptions): Promise<VerdictReport> {
  const { config, exportFile, now, env } = options
  const result =
    'file' in options.result ? await readFileBounded(options.result.file) : options.result
  const said = readExternalResult(result)
  const bytes = await readFileBounded(exportFile)
  const { entry, decision } = await compareExport(bytes, options)
  const { name, version, policyFile } = options.by
  const policy = policyFile === undefined ? undefined : sha256Hex(await readFileBounded(policyFile))
  const { artifact, target } = decision.request
  await using gate = await openGate(config, startGateSigner(config))
  const verdict: ExternalVerdict = {
    apiVersion: 'sallyport.dev/v1',
    kind: 'ExternalVerdict',
    time: now().toISOString(),
    engine,
    chokePoint: config.chokePoint,
    ...askerOf(env),
    by: {
      name,
      ...(version === undefined ? {} : { version }),
      ...(policy === undefined ? {} : { policy }),
    },
    export: await gate.bodies.put(bytes),
    decision: { entry, verdict: decision.verdict, effect: decision.effect },
    artifact: {
      name: artifact.name.slice(0, 1500).toWellFormed(),
      sha256: artifact.digest['sha256'] ?? '',
    },
    target: { environment: target.environment, service: target.service },
    result: await gate.bodies.put(result),
    verdict: said.verdict,
    explanation: [...said.explanation],
  }
  const { index } = await recordExternalVerdict(gate.log, verdict)
  return { index, verdict, decision, exit: exitOf(verdict, decision) }
}

/** A "no" of either is a "no", and what either cannot tell is not told. */
function exitOf({ verdict }: ExternalVerdict, decision: Decision): VerdictReport['exit'] {
  const own = decisionExitCode(decision)
  if (own !== 0) return own
  return verdict === 'allow' ? 0 : verdict === 'deny' ? 1 : 3
}

const recordSchema = z.looseObject({
  kind: z.literal('VerifiedEvidence'),
  record: z.strictObject({ log: z.string(), entry: z.int().min(0) }),
})

async function compareExport(
  bytes: Uint8Array,
  { config, exportFile }: RecordVerdictOptions,
): Promise<{ readonly entry: number; readonly decision: Decision }> {
  const given = parseJson(bytes, { what: exportFile })
  const { success, data } = recordSchema.safeParse(given)
  if (!success) throw differs(exportFile, 'something that names no decision')
  const { log, entry } = data.record
  if (log !== config.log.origin) throw differs(exportFile, `one of the log ${quote(log, 200)}`)
  const { exported, decision } = await exportRecorded(config, entry)
  if (canonicalJson(exported) === canonicalJson(given)) return { entry, decision }
  throw differs(exportFile, `something else than what decision ${entry} believed`)
}

function differs(file: string, found: string): SallyportError {
  return new SallyportError({
    code: 'EXTERNAL_EXPORT_DIFFERS',
    where: file,
    expected:
      'what `sallyport verify --export` or `sallyport policy export` of this home has written, unchanged',
    found,
    fix: 'Export again with `sallyport policy export ENTRY`, and let the other engine judge that',
  })
}
