import { deepFreeze, encodeCanonical, encodeCanonicalOf, type Json } from '#document'
import type { Decision, Evidence } from './decision.ts'

/** The bytes of a decision: canonical JSON (RFC 8785). What the log records, and what a replay must give again. */
export function encodeDecision(decision: Decision): Uint8Array {
  return encodeCanonicalOf(decision as unknown as Json, written)
}

/** Of decisions that are made again and again: what they share, which is frozen. */
const written = new WeakMap<object, Uint8Array>()

/**
 * Freezes the parts of a decision, but for its request, and keeps their bytes, so that decisions with the same parts are encoded
 * sooner. Gives how many bytes they are.
 */
export function writeParts(decision: Decision): number {
  let length = 0
  for (const part of Object.values(decision)) {
    if (typeof part !== 'object' || part === null || part === decision.request) continue
    deepFreeze(part)
    const bytes = written.get(part) ?? encodeCanonical(part)
    written.set(part, bytes)
    length += bytes.length
  }
  return length
}

const exits = { ALLOW: 0, DENY: 1, POLICY_ERROR: 2, UNDETERMINED: 3 } as const

/** The exit code of a process that asked: 0 admitted, 1 denied, 2 the policy is wrong, 3 could not tell. */
export function decisionExitCode({ effect, verdict }: Decision): 0 | 1 | 2 | 3 {
  return effect === 'blocked' ? exits[verdict] : 0
}

/** The bytes of all that a decision is made from besides policies and trust: what has to be kept for a replay. */
export function evidenceBytes({ items, signatures, related }: Evidence): readonly Uint8Array[] {
  return [
    ...[...items, ...(signatures ?? [])].map(({ bytes }) => bytes),
    ...new Set((related ?? []).map(({ index }) => index)),
  ]
}
