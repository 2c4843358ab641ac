import { Recent } from '#document'
import type { DeploymentRequest, PolicySet } from '#policy'
import type { Trust } from '#trust'
import type { Decision, Evidence } from './decision.ts'
import { writeParts } from './encode.ts'

/** From when on, and before when, a decision would be made again, word for word; milliseconds since 1970. */
export interface Period {
  readonly from: number
  readonly until: number
}

interface Held extends Period {
  readonly decision: Decision
  readonly evidence: Evidence
}

export interface MemoryOptions {
  readonly policies: PolicySet
  readonly trust: Trust
  /** How many bytes are held, as they are estimated; default 64 MiB. */
  readonly maxBytes?: number
}

/**
 * What a decision takes in memory for each byte that is written of it, and what each takes besides. Measured were 2.3 to 3.4
 * bytes for each, everything included.
 */
const perByte = 3
const heldBytes = 2000

/**
 * Remembers what was decided about evidence that is asked about again, until the first instant at which a time that was
 * looked at makes a difference. A decision is a function of what was asked, of policies, trust, evidence and time: where all
 * are the same, it need not be made again. What the API server told of its object (`request.asked`) is only recorded, so that
 * one may be another.
 *
 * Only what says yes is kept: a no is worth looking for evidence again. The memory is bounded and never changes an answer.
 */
export class DecisionMemory {
  readonly #policies: PolicySet
  readonly #trust: Trust
  readonly #held: Recent<Held>

  constructor({ policies, trust, maxBytes = 64 * 1024 * 1024 }: MemoryOptions) {
    this.#policies = policies
    this.#trust = trust
    this.#held = new Recent({ size: maxBytes })
  }

  /** Whether it was made for these very ones. */
  isOf(policies: PolicySet, trust: Trust): boolean {
    return this.#policies === policies && this.#trust === trust
  }

  /** What was decided about the same, if it would be decided again. */
  recall(request: DeploymentRequest, evidence: Evidence, time: number): Decision | undefined {
    const held = this.#held.get(keyOf(request))
    if (held?.evidence !== evidence || time < held.from || time >= held.until) return undefined
    return held.decision
  }

  /** Keeps the decision, and freezes what is in it, if there is a time at which it would be made again. */
  keep(decision: Decision, evidence: Evidence, { from, until }: Period): void {
    const { verdict, request } = decision
    if (verdict !== 'ALLOW' || until <= from) return
    const size = heldBytes + perByte * writeParts(decision) + sizeOf(evidence)
    // A copy: the caller may go on to use its own.
    this.#held.set(keyOf(request), { decision: { ...decision }, evidence, from, until }, size)
  }
}

/** All of what is asked that an answer may depend on. */
function keyOf(request: DeploymentRequest): string {
  const { asked: _, ...question } = request
  return JSON.stringify(question)
}

/** It is held for as long as what was decided about it. */
function sizeOf({ items, signatures = [], related = [] }: Evidence): number {
  const pieces = [...items, ...signatures].map(({ bytes }) => bytes)
  const indexes = related.map(({ index }) => index)
  return [...pieces, ...indexes].reduce((sum, { length }) => sum + length, 0)
}
