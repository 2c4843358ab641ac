import { isDeepStrictEqual } from 'node:util'
import {
  breakglassAskedSchema,
  breakglassGrantedSchema,
  breakglassRequestsSchema,
  breakglassReviewedSchema,
  breakglassUsesSchema,
  type BreakglassUses,
} from '#api'
import { parseRequest, requestId, type BreakglassRequest } from '#breakglass'
import { cut, encodeCanonical, parseJson, type Json } from '#document'
import { quote, SallyportError } from '#error'
import { openNetwork } from '../artifact/network.ts'
import { checkFresh } from '../fresh-file.ts'
import { askGate, strange } from '../pipeline/ask-gate.ts'
import { knownProblem } from '../pipeline/gate-problems.ts'
import type { ServerPlace } from '../pipeline/options.ts'
import { nowhere, questionFor } from '../pipeline/server-question.ts'
import type { BreakglassListReport } from './review.ts'
import {
  writeRequest,
  type BreakglassRequestOptions,
  type BreakglassRequestReport,
} from './request.ts'

// Emergencies at a gate that runs, for people who have a token there and no home of its log. It decides and keeps; it holds no
// key that could grant anything, and what it says is taken for what was asked only when it is.

/** A gate that runs, and the environment that a token may be in. */
export interface AtGate {
  readonly gate: ServerPlace
  readonly env: Readonly<Record<string, string | undefined>>
}

const root = '/api/v1/breakglass'

export type RequestAtGateOptions = AtGate &
  Omit<BreakglassRequestOptions, 'config' | 'requester' | 'now'>

/**
 * Has a gate write down what would have to be waived, and writes the same file as `requestBreakglass`. Who asks is whose token
 * it is.
 *
 * @throws SallyportError as `askGate`, `questionFor` and `writeRequest` do
 */
export async function requestAtGate(
  options: RequestAtGateOptions,
): Promise<BreakglassRequestReport> {
  const { gate, env, target, reason, incident, rules, forMilliseconds } = options
  if (options.output !== undefined) await checkFresh(options.output)
  await using network = openNetwork(nowhere)
  const { asked, evidence } = await questionFor(options.artifact, options.bundles, network)
  const { name, kind, digest } = asked.found
  const artifact = { name: cut(name, 1000), sha256: digest.sha256 }
  const body = {
    artifact,
    ...target,
    ...(kind === 'oci' ? { reference: name } : {}),
    evidence,
    reason,
    incident,
    ...(rules === undefined ? {} : { rules }),
    seconds: Math.floor(forMilliseconds / 1000),
  }
  const schema = breakglassAskedSchema
  const answer = await askGate(gate, { path: `${root}/requests`, body, schema, env })
  const request = requestIn(answer, gate)
  if (!isAnswerTo(request, body)) throw strange(gate.url, 'a request for something else')
  const file = await writeRequest(request, options.output).catch((cause: unknown) => {
    throw kept(answer.id, cause)
  })
  return { id: answer.id, file, request, approvers: answer.approvers, count: answer.count }
}

/** The gate has it all the same. */
function kept(id: string, cause: unknown): unknown {
  if (!(cause instanceof SallyportError)) return cause
  const { code, where, expected, found } = cause
  const told = { code, ...(where === undefined ? {} : { where }), expected, found }
  const fix = `The gate has the request: name another file, and fetch it with \`sallyport breakglass requests ${id.slice(0, 12)} --output FILE\` and the same --gate`
  return new SallyportError({ ...told, fix }, { cause })
}

interface Question extends Pick<
  BreakglassRequest,
  'artifact' | 'environment' | 'service' | 'reason' | 'incident' | 'seconds'
> {
  readonly rules?: readonly string[]
}

/** Who asks, and since when, is for the gate to say; and which rules, where none were named. */
function isAnswerTo(request: BreakglassRequest, question: Question): boolean {
  const { artifact, environment, service, reason, incident, seconds, rules } = question
  const { sha256 } = artifact
  return (
    isDeepStrictEqual(
      [request.artifact.sha256, request.environment, request.service, request.seconds],
      [sha256, environment, service, seconds],
    ) &&
    isDeepStrictEqual(
      [request.reason, request.incident, ...(rules === undefined ? [] : request.rules)],
      [reason, incident, ...new Set(rules)],
    )
  )
}

/** What somebody has asked a gate for. */
export interface AskedRequest {
  readonly id: string
  readonly request: BreakglassRequest
}

/** What a gate was asked for, newest first. */
export async function requestsAtGate({ gate, env }: AtGate): Promise<readonly AskedRequest[]> {
  const schema = breakglassRequestsSchema
  const { requests } = await askGate(gate, { path: `${root}/requests`, schema, env })
  return requests.map((one) => ({ id: one.id, request: requestIn(one, gate) }))
}

/**
 * One of them, in the file that `approveBreakglass` takes.
 *
 * @throws SallyportError BREAKGLASS_REQUEST when the gate does not have it
 */
export async function fetchRequest(
  options: AtGate & { readonly id: string; readonly output?: string },
): Promise<AskedRequest & { readonly file: string }> {
  const requests = await requestsAtGate(options)
  const found = requests.filter(({ id }) => id.startsWith(options.id))
  const [one] = found
  if (one === undefined || found.length > 1) throw notOne(options, found.length)
  return { ...one, file: await writeRequest(one.request, options.output) }
}

/** What a gate says that it keeps. */
export interface KeptGrant {
  /** sha256 of the grant. */
  readonly digest: string
  /** As its trust file calls them. */
  readonly signers: readonly string[]
}

/**
 * Hands a grant in: the gate finds it from then on.
 *
 * @param sha256 of what it is for
 */
export async function grantAtGate(
  { gate, env }: AtGate,
  grant: Uint8Array,
  sha256: string,
): Promise<KeptGrant> {
  const body = { grant: parseJson(grant, { what: 'the grant' }) }
  const schema = breakglassGrantedSchema
  const kept = await askGate(gate, { path: `${root}/grants`, body, schema, env })
  if (kept.artifact !== sha256) throw strange(gate.url, 'a grant for something else')
  return { digest: kept.digest, signers: kept.signers }
}

/** As `listBreakglass` tells it, but for alarms that nobody has heard: of these the gate tells how many. */
export type UsesAtGate = Omit<BreakglassListReport, 'pending'> & Pick<BreakglassUses, 'pending'>

/** Every use that is in the log of a gate, oldest first, and what somebody has to do. */
export async function usesAtGate({ gate, env }: AtGate): Promise<UsesAtGate> {
  const schema = breakglassUsesSchema
  const { uses, findings, ...more } = await askGate(gate, { path: `${root}/uses`, schema, env })
  return { uses: uses.toReversed(), ...more, findings: findings.map(knownProblem) }
}

/** Records at a gate what somebody has found about a use; gives the entry of the review. Who that is says the token. */
export async function reviewAtGate(
  { gate, env }: AtGate,
  review: { readonly entry: number; readonly finding: string },
): Promise<number> {
  const schema = breakglassReviewedSchema
  const { entry } = await askGate(gate, { path: `${root}/reviews`, body: review, schema, env })
  return entry
}

/** A request is called by its digest: who approves it reads what was asked for, or nothing. */
function requestIn(
  { id, request }: { readonly id: string; readonly request: object },
  { url }: ServerPlace,
): BreakglassRequest {
  try {
    const read = parseRequest(encodeCanonical(request as Json), 'the answer of the gate')
    if (requestId(read) === id) return read
  } catch (cause) {
    const [first] = cause instanceof SallyportError ? cause.problems : []
    throw strange(url, `no request (${first?.where ?? ''}: ${first?.found ?? ''})`, cause)
  }
  throw strange(url, 'a request under the name of another')
}

function notOne({ gate, id }: AtGate & { readonly id: string }, count: number): SallyportError {
  return new SallyportError({
    code: 'BREAKGLASS_REQUEST',
    where: gate.url,
    expected: `one request whose id begins with ${quote(id, 100)}`,
    found: count === 0 ? 'none' : `${count}`,
    fix: 'Look at `sallyport breakglass requests`, and name the id as it is written there',
  })
}
