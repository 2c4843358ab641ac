import type { Decision } from '#decision'
import type { Problem } from '#error'
import { damageOf, type BodyStore } from '#log'
import { readEntry } from '../read-entry.ts'

/** Reads the decisions of a log as far as it can be read: what is damaged lets nothing in, and hides nothing else. */
export interface Decisions {
  readonly bodies: BodyStore
  /** Told of each entry that cannot be read, perhaps more than once. */
  readonly unread: (problem: Problem) => void
}

/** The decision that an entry records; undefined when nothing was decided in it, or nobody can tell. */
export async function decisionIn(
  entry: Uint8Array,
  index: number,
  { bodies, unread }: Decisions,
): Promise<Decision | undefined> {
  try {
    const said = await readEntry(entry, index, bodies)
    return said.kind === 'Decision' ? said : undefined
  } catch (error) {
    const problem = damageOf(error, index)
    if (problem === undefined) throw error
    unread(problem)
    return undefined
  }
}
