import type { Part } from './manifest.ts'

/** An image that was let through for somebody: a policy may name who deploys, so it says nothing about others. */
export interface AllowedImage {
  readonly requester: string
  readonly repository: string
  readonly sha256: string
  /** Its blobs. */
  readonly parts: readonly Part[]
  /** When the decision ends to hold, if nothing but the time changes. */
  readonly until: string | undefined
  /** Of policies and trust, taken before the decision: they may change while it is made. */
  readonly edition: string
}

type Key = Pick<AllowedImage, 'requester' | 'repository' | 'sha256'>

/** The images that were let through a moment ago, so that their blobs need no decision each. Bounded; gone with the process. */
export interface AllowedImages {
  /** The blob, if it is one of that image, and the image may still be had. */
  part(image: Key, sha256: string): Part | undefined
  add(image: AllowedImage): void
  remove(image: Key): void
}

export interface AllowedOptions {
  readonly clock: () => Date
  readonly edition: () => string
}

interface Entry {
  readonly from: number
  readonly until: number
  readonly edition: string
  readonly parts: ReadonlyMap<string, Part>
}

const seconds = 300
const maxParts = 200_000

export function rememberAllowed({ clock, edition: current }: AllowedOptions): AllowedImages {
  const entries = new Map<string, Entry>()
  let total = 0
  const drop = (key: string): void => {
    total -= entries.get(key)?.parts.size ?? 0
    entries.delete(key)
  }
  return {
    part(image, sha256) {
      const entry = entries.get(keyOf(image))
      const now = clock().getTime()
      // A clock that was set back proves nothing about how old this is.
      if (entry === undefined || now < entry.from || now >= entry.until) return undefined
      return entry.edition === current() ? entry.parts.get(sha256) : undefined
    },
    add({ parts, until, edition, ...image }) {
      const key = keyOf(image)
      const from = clock().getTime()
      const end = until === undefined ? Infinity : new Date(until).getTime()
      drop(key)
      entries.set(key, {
        from,
        until: Math.min(from + seconds * 1000, end),
        edition,
        parts: new Map(parts.map((part) => [part.sha256, part])),
      })
      total += entries.get(key)?.parts.size ?? 0
      for (const oldest of entries.keys()) {
        if (total <= maxParts) break
        drop(oldest)
      }
    },
    remove: (image) => drop(keyOf(image)),
  }
}

// The first two have no space in them.
function keyOf({ repository, sha256, requester }: Key): string {
  return `${repository}@${sha256} ${requester}`
}
