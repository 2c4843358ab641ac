/** The longest pattern, and the most that its counted repetitions may multiply it. */
const maxLength = 256
const maxRepeat = 64

/** What is wrong with a pattern beyond its syntax; undefined when it is small enough. */
export function patternFault(pattern: string): string | undefined {
  if (pattern.length > maxLength) return `a pattern of at most ${maxLength} characters`
  if (repeatOf(pattern) > maxRepeat) return `repetitions {n} whose product is at most ${maxRepeat}`
  return undefined
}

/** How many instructions each character of a text may have to be held against: RE2 never goes back. */
export function patternSteps(pattern: string): number {
  return 2 * (pattern.length + 1) * repeatOf(pattern)
}

/** The product of all counts, whether or not they are nested: an upper bound, and never too small. */
function repeatOf(pattern: string): number {
  const counts = [...pattern.matchAll(/\{(\d+)(?:,(\d*))?\}/g)]
  return counts.reduce((product, [, least = '', most = '']) => {
    const count = Number(most === '' ? least : most)
    return product * Math.max(1, count + (most === '' ? 1 : 0))
  }, 1)
}
