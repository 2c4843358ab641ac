import type { Decision } from '#decision'
import { parseJson } from '#document'
import { recordedDecision, type BodyStore } from '#log'
import { decidesNothing } from '../log.ts'

/** The decision that an entry records; undefined when nothing was decided in it. */
export async function decisionIn(
  entry: Uint8Array,
  bodies: BodyStore,
): Promise<Decision | undefined> {
  if (decidesNothing(entry)) return undefined
  const value = parseJson(await recordedDecision(entry, bodies), { what: 'a recorded decision' })
  return value as unknown as Decision
}
