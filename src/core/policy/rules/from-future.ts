import { isBefore } from '#document'

/** Clocks differ a little; what lies further ahead is not the truth. */
const skewMs = 5 * 60_000

/** Whether something is said to be of a time that is still to come at `now`. What is no time is not. */
export function isFromFuture(time: Date | number, now: Date): boolean {
  return isBefore(now, Number(time) - skewMs)
}
