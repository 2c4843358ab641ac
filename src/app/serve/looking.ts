/** Something that is looked at every so often, by one look at a time. */
export interface Looking extends AsyncDisposable {
  /** Looks now, or joins the look that has begun already. */
  readonly look: () => Promise<void>
  /** Looks, once the look that has begun already is over. */
  readonly lookAgain: () => Promise<void>
}

/** Looks every so many seconds until it is disposed of, which waits for the last look. `once` MUST NOT reject. */
export function lookEvery(seconds: number, once: () => Promise<void>): Looking {
  let running: Promise<void> | undefined
  const look = (): Promise<void> =>
    (running ??= once().finally(() => {
      running = undefined
    }))
  const timer = setInterval(() => void look(), seconds * 1000)
  timer.unref()
  return {
    look,
    async lookAgain() {
      await running
      await look()
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await running
    },
  }
}
