import { openDeadline } from '#evidence'

/** Work that several wait for: it is done once for all of them. */
export interface SharedWork<Early, T> {
  /**
   * Waits for the work that goes on under this key, or begins it. Its signal is aborted when its time is over, or when
   * the last who waits has gone; whoever comes then begins anew.
   */
  join(key: string, gone: AbortSignal, work: Work<Early, T>): Shared<Early, T>
}

type Work<Early, T> = (signal: AbortSignal, tell: (early: Early) => void) => Promise<T>

export interface Shared<Early, T> {
  /** What the work tells before its end; undefined when it ends without. Never rejects. */
  readonly early: Promise<Early | undefined>
  /** Need not be awaited. */
  readonly result: Promise<T | 'gone'>
}

interface Running<Early, T> {
  readonly early: Promise<Early | undefined>
  readonly result: Promise<T>
  readonly end: () => void
  waiting: number
}

export function shareWork<Early, T>(maxMs: number): SharedWork<Early, T> {
  const running = new Map<string, Running<Early, T>>()
  const begin = (key: string, work: Work<Early, T>): Running<Early, T> => {
    const unwanted = new AbortController()
    const deadline = openDeadline(maxMs, unwanted.signal)
    const early = Promise.withResolvers<Early | undefined>()
    const forget = (): void => {
      if (running.get(key) === one) running.delete(key)
    }
    deadline.signal.addEventListener('abort', forget, { once: true })
    const result = work(deadline.signal, early.resolve).finally(() => {
      early.resolve(undefined)
      deadline[Symbol.dispose]()
      forget()
    })
    const end = (): void => unwanted.abort()
    const one: Running<Early, T> = { early: early.promise, result, end, waiting: 0 }
    running.set(key, one)
    return one
  }
  return {
    join(key, gone, work) {
      if (gone.aborted)
        return { early: Promise.resolve(undefined), result: Promise.resolve('gone') }
      const one = running.get(key) ?? begin(key, work)
      const result = stay(one, gone)
      result.catch(() => undefined)
      return { early: one.early, result }
    },
  }
}

async function stay<Early, T>(one: Running<Early, T>, gone: AbortSignal): Promise<T | 'gone'> {
  const left = Promise.withResolvers<'gone'>()
  const leave = (): void => left.resolve('gone')
  gone.addEventListener('abort', leave, { once: true })
  one.waiting += 1
  try {
    return await Promise.race([one.result, left.promise])
  } finally {
    gone.removeEventListener('abort', leave)
    one.waiting -= 1
    if (one.waiting === 0) one.end()
  }
}
