import {
  decide,
  type Decision,
  type DecisionMemory,
  type DeploymentRequest,
  type Evidence,
} from '#decision'
import { SallyportError, type Problem } from '#error'
import type { PolicySet } from '#policy'
import type { Trust, Verifier } from '#trust'

/** Everything a decision was made from, for whoever records it. */
export interface RecordedInputs {
  readonly evidence: Evidence
  readonly policies: PolicySet
  readonly trust: Trust
}

export interface EnforceOptions<Receipt> {
  readonly request: DeploymentRequest
  /**
   * Finds the evidence. MUST be bounded in time and size, and MUST say for each source whether it was found, absent or
   * unavailable. When it throws, everything counts as unavailable.
   */
  readonly gather: (request: DeploymentRequest) => Promise<Evidence>
  readonly policies: PolicySet
  readonly trust: Trust
  readonly now: Date
  /** Remembers signatures between requests; changes nothing but the time they take. */
  readonly verifier?: Verifier
  /** Remembers decisions about evidence that others ask about, too; changes nothing but the time they take. */
  readonly memoryFor?: (evidence: Evidence) => DecisionMemory | undefined
  /** Records the decision. MUST resolve only when it is durable: until then nobody is answered. */
  readonly record: (decision: Decision, inputs: RecordedInputs) => Promise<Receipt>
}

export interface Enforced<Receipt> {
  readonly decision: Decision
  readonly receipt: Receipt
}

/**
 * The one way to an answer: gather, decide, record, answer. Every mouth goes through here.
 *
 * @throws SallyportError LOG_UNAVAILABLE when the decision could not be recorded, DECISION_FAILED when it cannot be written
 *   at all. Then there is no answer, whatever it would have been, and whoever asked MUST NOT admit.
 */
export async function enforce<Receipt>(
  options: EnforceOptions<Receipt>,
): Promise<Enforced<Receipt>> {
  const { request, policies, trust, now, verifier, record } = options
  const evidence = await gatherSafely(options)
  const memory = options.memoryFor?.(evidence)
  const decision = decide({
    request,
    evidence,
    policies,
    trust,
    now,
    ...(verifier === undefined ? {} : { verifier }),
    ...(memory === undefined ? {} : { memory }),
  })
  try {
    return { decision, receipt: await record(decision, { evidence, policies, trust }) }
  } catch (cause) {
    throw new SallyportError(unrecorded(cause), { cause })
  }
}

// A gather that fails is an outage, not an answer: what it would have found is unknown, and the policy of the target says
// what then. It must never look like "nothing is there".
async function gatherSafely<Receipt>({
  gather,
  request,
}: EnforceOptions<Receipt>): Promise<Evidence> {
  try {
    return await gather(request)
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    return {
      items: [],
      sources: [{ name: 'evidence', outcome: 'unavailable', detail: detail.slice(0, 500) }],
    }
  }
}

function unrecorded(cause: unknown): Problem {
  const reason = cause instanceof SallyportError ? cause : undefined
  const isDefect = defects.some((kind) => cause instanceof kind)
  return {
    code: isDefect ? 'DECISION_FAILED' : 'LOG_UNAVAILABLE',
    where: reason?.where ?? 'log',
    expected: 'the decision to be recorded before anybody is answered',
    found: cause instanceof Error ? cause.message : String(cause),
    fix: isDefect
      ? 'Report this as a defect of Sallyport, with the evidence: the log itself may be well; until then decide this deployment by hand'
      : (reason?.fix ?? 'Make the decision log writable again, then ask again'),
  }
}

/** What a program throws by mistake, which says nothing about the disk. */
const defects = [TypeError, RangeError, ReferenceError, SyntaxError]
