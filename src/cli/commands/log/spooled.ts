import type { LogVerifyReport } from '#app'
import { plural } from '../../render.ts'

/** That decisions were answered which are not in the log yet; undefined when there are none. */
export function spooledLine(spooled: LogVerifyReport['spooled']): string | undefined {
  const { entries, oldest, problems } = spooled
  const [damage] = problems
  if (damage !== undefined) return `the spool of this gate cannot be read: ${damage.code}`
  if (entries === 0) return undefined
  const since = oldest === undefined ? '' : `, the oldest since ${oldest}`
  const wait = entries === 1 ? 'waits' : 'wait'
  return `${entries} ${plural(entries, 'decision')} more ${wait} in the spool of this gate for the log${since}`
}
