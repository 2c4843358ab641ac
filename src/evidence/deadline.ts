/** A signal that belongs to one piece of work. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal
  /** Waits for something that is no part of the work: the time that it takes does not count. */
  pause<T>(other: Promise<T>): Promise<T>
}

/**
 * A signal that is aborted after `ms` milliseconds, or with `outer`. Nothing of it is left when it is let go of. With
 * `AbortSignal.timeout` and `AbortSignal.any` the timer stays, and weak references that every collection of garbage
 * has to look through.
 */
export function openDeadline(ms: number, outer?: AbortSignal): Deadline {
  const controller = new AbortController()
  const end = (): void => controller.abort()
  let left = ms
  let since = performance.now()
  let timer = setTimeout(end, left)
  if (outer?.aborted === true) end()
  else outer?.addEventListener('abort', end, { once: true })
  return {
    signal: controller.signal,
    async pause(other) {
      clearTimeout(timer)
      left -= performance.now() - since
      try {
        return await other
      } finally {
        since = performance.now()
        timer = setTimeout(end, left)
      }
    },
    [Symbol.dispose]() {
      clearTimeout(timer)
      outer?.removeEventListener('abort', end)
    },
  }
}
