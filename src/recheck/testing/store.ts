import type { RecheckStore } from '../index.ts'

/** Stores of processes that share one: `kill` ends whoever has the turn, as a crash would. */
export function memoryStores() {
  let holder: object | undefined
  let note: Uint8Array | undefined
  return {
    open(): RecheckStore {
      const self = {}
      return {
        take: () => {
          holder ??= self
          return Promise.resolve(holder === self)
        },
        note: () => Promise.resolve(note),
        keep: (bytes) => {
          if (holder === self) note = bytes
          return Promise.resolve()
        },
        [Symbol.asyncDispose]: () => {
          if (holder === self) holder = undefined
          return Promise.resolve()
        },
      }
    },
    kill: () => {
      holder = undefined
      return Promise.resolve()
    },
  }
}
