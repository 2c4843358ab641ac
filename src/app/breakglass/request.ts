import { encodeRequest, requestId, type BreakglassRequest } from '#breakglass'
import type { Config } from '#config'
import { decide, type Target } from '#decision'
import { readRegular } from '../read-regular.ts'
import { readQuestion, requester, whoAsks } from '../verify.ts'
import { writeFresh } from '../fresh-file.ts'
import { requestFrom } from './from-decision.ts'
import { glassTerms } from './terms.ts'

export interface BreakglassRequestOptions {
  readonly config: Config
  /** What names the artifact: see `parseArtifactName`. */
  readonly artifact: string
  readonly target: Target
  readonly reason: string
  readonly incident: string
  /** Which rules are to be waived; left out: all that do not hold. */
  readonly rules?: readonly string[]
  readonly forMilliseconds: number
  /** Who asks; default is whom the operating system says. */
  readonly requester?: string
  /** Where the request is written; default `breakglass-ID.json`. */
  readonly output?: string
  readonly bundles: readonly string[]
  readonly now: Date
}

export interface BreakglassRequestReport {
  readonly id: string
  readonly file: string
  readonly request: BreakglassRequest
  /** Who may approve it, as far as policy and trust file say. */
  readonly approvers: readonly string[]
  readonly count: number
}

/** Writes down what would have to be waived, for somebody else to approve. Nothing is decided or recorded by it. */
export async function requestBreakglass(
  options: BreakglassRequestOptions,
): Promise<BreakglassRequestReport> {
  const { config, artifact: typed, bundles, target, now, reason, incident, rules } = options
  const question = await readQuestion({ config, artifact: typed, bundles, policies: [] })
  const { artifact, looked, rulebook } = question
  const { name, digest } = artifact
  const who = { chokePoint: config.chokePoint, ...whoAsks() }
  const asked = { artifact: { name, digest }, target, ...who }
  const { policies, trust, verifier } = rulebook
  const evidence = looked.evidence
  const decision = decide({ request: asked, evidence, policies, trust, verifier, now })
  const terms = glassTerms(decision, rulebook, now)
  const request = requestFrom(
    {
      target,
      requester: options.requester ?? requester(),
      reason,
      incident,
      seconds: Math.floor(options.forMilliseconds / 1000),
      ...(rules === undefined ? {} : { rules }),
      now,
    },
    decision,
    terms,
  )
  const file = await writeRequest(request, options.output)
  const id = requestId(request)
  return { id, file, request, approvers: terms?.approvers ?? [], count: terms?.count ?? 1 }
}

/**
 * Writes the file that an approver takes, and gives its name.
 *
 * @throws SallyportError FILE_UNWRITABLE, also when something else is there
 */
export async function writeRequest(
  request: BreakglassRequest,
  file = `breakglass-${requestId(request)}.json`,
): Promise<string> {
  const bytes = Buffer.concat([encodeRequest(request), Buffer.from('\n')])
  const there = await readRegular(file, bytes.length).catch(() => undefined)
  if (there?.equals(bytes) !== true) await writeFresh(file, bytes)
  return file
}
