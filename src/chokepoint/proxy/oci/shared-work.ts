import { openDeadline } from '#evidence'

/** Work that several wait for: it is done once for all of them. */
export interface SharedWork<T> {
  /**
   * Waits for the work that goes on under this key, or begins it. Its signal is aborted when its time is over, or when
   * the last who waits has gone; whoever comes then begins anew.
   */
  wait(
    key: string,
    gone: AbortSignal,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T | 'gone'>
}

interface Running<T> {
  readonly result: Promise<T>
  readonly end: () => void
  waiting: number
}

export function shareWork<T>(maxMs: number): SharedWork<T> {
  const running = new Map<string, Running<T>>()
  const begin = (key: string, work: (signal: AbortSignal) => Promise<T>): Running<T> => {
    const unwanted = new AbortController()
    const deadline = openDeadline(maxMs, unwanted.signal)
    const forget = (): void => {
      if (running.get(key) === one) running.delete(key)
    }
    deadline.signal.addEventListener('abort', forget, { once: true })
    const result = work(deadline.signal).finally(() => {
      deadline[Symbol.dispose]()
      forget()
    })
    const one: Running<T> = { result, end: () => unwanted.abort(), waiting: 0 }
    running.set(key, one)
    return one
  }
  return {
    async wait(key, gone, work) {
      if (gone.aborted) return 'gone'
      const one = running.get(key) ?? begin(key, work)
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
    },
  }
}
