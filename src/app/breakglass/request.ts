import { writeFile } from 'node:fs/promises'
import { encodeRequest, requestId, type BreakglassRequest } from '#breakglass'
import type { Config } from '#config'
import { decide, wantedOf, type Decision, type Target } from '#decision'
import { quote, SallyportError } from '#error'
import { readQuestion, requester, whoAsks } from '../verify.ts'
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
  const { config, artifact: typed, bundles, target, now } = options
  const question = await readQuestion({ config, artifact: typed, bundles, policies: [] })
  const { artifact, looked, rulebook } = question
  const { name, digest } = artifact
  const who = { chokePoint: config.chokePoint, ...whoAsks() }
  const asked = { artifact: { name, digest }, target, ...who }
  const { policies, trust, verifier } = rulebook
  const evidence = looked.evidence
  const decision = decide({ request: asked, evidence, policies, trust, verifier, now })
  const request = requestOf(options, decision)
  const id = requestId(request)
  const file = options.output ?? `breakglass-${id}.json`
  await write(file, encodeRequest(request))
  const terms = glassTerms(decision, rulebook)
  return { id, file, request, approvers: terms?.approvers ?? [], count: terms?.count ?? 1 }
}

function requestOf(options: BreakglassRequestOptions, decision: Decision): BreakglassRequest {
  const { target, reason, incident, forMilliseconds, now } = options
  const { artifact } = decision.request
  const { rules: results, reasons: problems, policy, verdict } = decision
  const wanted = wantedOf({ policy: policy ?? undefined, rules: results, problems })
  if (wanted.length === 0) throw nothingToWaive(decision)
  const rules = options.rules ?? wanted
  const unknown = rules.filter((rule) => !wanted.includes(rule))
  if (unknown.length > 0) throw unknownRules(unknown, wanted)
  return {
    apiVersion: 'sallyport.dev/v1',
    kind: 'BreakglassRequest',
    artifact: { name: artifact.name.slice(0, 1000), sha256: artifact.digest['sha256'] ?? '' },
    ...target,
    requester: options.requester ?? requester(),
    requestedOn: `${now.toISOString().slice(0, 19)}Z`,
    seconds: Math.floor(forMilliseconds / 1000),
    rules: [...rules],
    reason,
    incident,
    otherwise: {
      verdict,
      reasons: problems
        .slice(0, 100)
        .map(({ code, where = '', found }) => `${code} ${where}: ${found}`.slice(0, 2000)),
    },
  }
}

async function write(file: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeFile(file, Buffer.concat([bytes, Buffer.from('\n')]), { flag: 'wx', mode: 0o644 })
  } catch (cause) {
    throw new SallyportError(
      {
        code: 'FILE_UNWRITABLE',
        where: file,
        expected: 'a file that is not there yet and can be written',
        found: (cause as NodeJS.ErrnoException).code ?? 'an unknown error',
        fix: 'Name another file with --output',
      },
      { cause },
    )
  }
}

function nothingToWaive({ verdict, request }: Decision): SallyportError {
  return new SallyportError({
    code: 'BREAKGLASS_NOTHING_TO_WAIVE',
    where: quote(request.artifact.name, 200),
    expected: 'rules that do not hold',
    found: `${verdict}: no rule that could be waived`,
    fix:
      verdict === 'ALLOW'
        ? 'Deploy it'
        : 'Run `sallyport verify` and do what it says: no grant helps here',
  })
}

function unknownRules(unknown: readonly string[], wanted: readonly string[]): SallyportError {
  return new SallyportError({
    code: 'BREAKGLASS_REQUEST',
    where: '--rules',
    expected: `of the rules that do not hold: ${wanted.join(', ')}`,
    found: unknown.map((rule) => quote(rule, 100)).join(', '),
    fix: 'Leave --rules out to ask for all of them, or name these as they are written',
  })
}
