/** Bytes that are held at the same time, by all together. */
export interface Budget {
  /** Does something that takes bytes as they come; what it took is given back when it is over. */
  share<T>(deed: (take: Take) => Promise<T>): Promise<T>
}

/** Takes so many more. Where there is no room, resolves when there is. */
export type Take = (bytes: number) => Promise<void> | undefined

/** What has come takes nothing until it is more than `few`; then all of it does. */
export function beyond(few: number, take: Take): Take {
  let size = 0
  return (bytes) => {
    const before = size
    size += bytes
    if (size <= few) return undefined
    return take(before > few ? bytes : size)
  }
}

interface Waiting {
  readonly share: object
  readonly bytes: number
  readonly go: () => void
}

/**
 * Who finds no room waits until others give back what they took. One of those who wait, who came first, has room in any case:
 * so one always comes to an end, and all together never hold more than `most` and what one may take.
 */
export function openBudget(most: number): Budget {
  const waiting: Waiting[] = []
  let held = 0
  let favoured: object | undefined
  const admit = (): void => {
    for (let [first] = waiting; first !== undefined; [first] = waiting) {
      if (held + first.bytes > most) {
        if (favoured !== undefined) return
        favoured = first.share
      }
      waiting.shift()
      held += first.bytes
      first.go()
    }
  }
  return {
    async share(deed) {
      const share = {}
      let own = 0
      const take: Take = (bytes) => {
        own += bytes
        const hasRoom = waiting.length === 0 && held + bytes <= most
        if (!hasRoom && favoured !== share) {
          const { promise, resolve } = Promise.withResolvers<void>()
          waiting.push({ share, bytes, go: resolve })
          admit()
          return promise
        }
        held += bytes
        return undefined
      }
      try {
        return await deed(take)
      } finally {
        held -= own
        if (favoured === share) favoured = undefined
        admit()
      }
    },
  }
}
