import { SallyportError } from '#error'
import type { Journal } from '#server'

const sameErrorMs = 60_000

/** What is tried every second, and fails every second: the same trouble is written down once in a while. */
export function quietly(journal: Pick<Journal, 'error'>, event: string): (error: unknown) => void {
  let before = { text: '', at: -Infinity }
  return (error) => {
    const text = error instanceof SallyportError ? error.code : String(error)
    const at = performance.now()
    if (text === before.text && at - before.at < sameErrorMs) return
    before = { text, at }
    journal.error(event, error)
  }
}
