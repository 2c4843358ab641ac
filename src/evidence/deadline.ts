/** A signal that belongs to one piece of work. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal
}

/**
 * A signal that is aborted after `ms` milliseconds, or with `outer`. Nothing of it is left when it is let go of. With
 * `AbortSignal.timeout` and `AbortSignal.any` the timer stays, and weak references that every collection of garbage
 * has to look through.
 */
export function openDeadline(ms: number, outer?: AbortSignal): Deadline {
  const controller = new AbortController()
  const end = (): void => controller.abort()
  const timer = setTimeout(end, ms)
  if (outer?.aborted === true) end()
  else outer?.addEventListener('abort', end, { once: true })
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      clearTimeout(timer)
      outer?.removeEventListener('abort', end)
    },
  }
}
