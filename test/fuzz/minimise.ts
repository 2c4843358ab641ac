import { examine } from './examine.ts'
import type { Found } from './run.ts'

/** How often a smaller input is tried. */
const attempts = 400

/** Leaves out pieces of an input, larger ones first, for as long as the finding stays the same. */
export async function minimise({ target, input, outcome }: Found): Promise<Buffer> {
  // What takes long is not tried hundreds of times.
  if (outcome.what === 'slow') return input
  let best = input
  let left = attempts
  for (let size = Math.ceil(best.length / 2); size >= 1 && left > 0; size = Math.floor(size / 2)) {
    for (let at = 0; at < best.length && left > 0; left -= 1) {
      const smaller = Buffer.concat([best.subarray(0, at), best.subarray(at + size)])
      const { outcome: now } = await examine(target, smaller)
      const isSame = now.kind === 'finding' && placeOf(now.message) === placeOf(outcome.message)
      if (isSame) best = smaller
      else at += size
    }
  }
  return best
}

/** Kind and line of an exception: its words may name values. */
function placeOf(message: string): string {
  return `${message.split(':')[0]} ${/\(([^()]*)\)$/.exec(message)?.[1]}`
}
