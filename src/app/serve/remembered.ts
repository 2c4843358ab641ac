import type { Gathered } from '#evidence'

/** Evidence that was found a moment ago, so that the same artifact is not looked for with every pod of a rollout. */
export interface RememberedEvidence {
  /**
   * What was found for `key` not longer ago than a while, if that led to a yes the last time for `question` and it still
   * holds at `now`. Anything but a yes is worth looking again after a second: what was missing may have been added.
   */
  recall(key: string, question: string, now: Date): Gathered | undefined
  /** Looks, or waits for who looks already. */
  look(key: string, gather: () => Promise<Gathered>): Promise<Gathered>
  /** That `evidence` led to a yes, and until when it holds if nothing changes but the time. */
  allowed(key: string, question: string, evidence: Gathered, until: Date | undefined): void
  readonly size: number
}

interface Entry {
  readonly evidence: Gathered
  readonly at: number
  readonly bytes: number
  /** Until when each question is answered with yes; milliseconds. */
  readonly yes: Map<string, number>
}

export interface RememberedOptions {
  /** How long what was found may be used again, in seconds. */
  readonly seconds: number
  /** Default 256 MiB. */
  readonly maxBytes?: number
  readonly clock: () => Date
}

const maxQuestions = 256
/** So fresh that looking again would find the same: a rollout that is refused asks a hundred times a second. */
const freshMs = 1000

export function rememberEvidence(options: RememberedOptions): RememberedEvidence {
  const { seconds, maxBytes = 256 * 1024 * 1024, clock } = options
  const entries = new Map<string, Entry>()
  const looking = new Map<string, Promise<Gathered>>()
  let total = 0
  const drop = (key: string): void => {
    total -= entries.get(key)?.bytes ?? 0
    entries.delete(key)
  }
  const keep = (key: string, evidence: Gathered): void => {
    drop(key)
    // An outage is not worth remembering: the next one who asks may find it over.
    if (evidence.sources.some(({ outcome }) => outcome === 'unavailable')) return
    const bytes = 1000 + evidence.items.reduce((sum, item) => sum + item.bytes.length, 0)
    entries.set(key, { evidence, at: clock().getTime(), bytes, yes: new Map() })
    total += bytes
    for (const oldest of entries.keys()) {
      if (total <= maxBytes) break
      drop(oldest)
    }
  }
  return {
    get size() {
      return entries.size
    },
    recall(key, question, now) {
      const entry = entries.get(key)
      if (entry === undefined) return undefined
      const time = now.getTime()
      const age = time - entry.at
      // A clock that was set back proves nothing about how old this is.
      if (age < 0 || age > seconds * 1000) {
        drop(key)
        return undefined
      }
      if (age <= freshMs) return entry.evidence
      return (entry.yes.get(question) ?? -Infinity) > time ? entry.evidence : undefined
    },
    look(key, gather) {
      const running = looking.get(key)
      if (running !== undefined) return running
      const started = gather()
        .then((evidence) => {
          keep(key, evidence)
          return evidence
        })
        .finally(() => looking.delete(key))
      looking.set(key, started)
      return started
    },
    allowed(key, question, evidence, until) {
      const entry = entries.get(key)
      if (entry === undefined || entry.evidence !== evidence) return
      if (entry.yes.size >= maxQuestions) entry.yes.clear()
      entry.yes.set(question, until?.getTime() ?? Infinity)
    },
  }
}
