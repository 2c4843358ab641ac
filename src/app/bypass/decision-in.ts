import type { Decision } from '#decision'
import type { BodyStore } from '#log'
import { readEntry } from '../read-entry.ts'

/** The decision that an entry records; undefined when nothing was decided in it. */
export async function decisionIn(
  entry: Uint8Array,
  index: number,
  bodies: BodyStore,
): Promise<Decision | undefined> {
  const said = await readEntry(entry, index, bodies)
  return said.kind === 'Decision' ? said : undefined
}
