/** One atom of a simple pattern: a set of characters, and how often. */
interface Atom {
  readonly matches: (character: string) => boolean
  readonly min: number
  readonly max: number
}

const maxAtoms = 64

/**
 * A pattern for a parameter: `^`, then characters, `[classes]` or `\d`, each with `?`, `*`, `+`, `{n}` or `{m,n}`,
 * then `$`. No alternatives, groups, wildcards or back-references: it can be read at a glance, and it is matched
 * in time proportional to the text, whatever the text is.
 */
export function parsePattern(pattern: string): ((text: string) => boolean) | undefined {
  if (!pattern.startsWith('^') || !pattern.endsWith('$')) return undefined
  const atoms = parseAtoms(pattern.slice(1, -1))
  return atoms === undefined ? undefined : (text) => matchAll(atoms, text)
}

const atom =
  /(?:\[([^\]\\^]+)\]|(\\d)|\\([.+*?{}()|^$\\/-])|([A-Za-z0-9 _@:,=/~%#-]))(\?|\*|\+|\{(\d{1,3})(,(\d{1,3}))?\})?/y

function parseAtoms(text: string): Atom[] | undefined {
  const atoms: Atom[] = []
  for (let index = 0; index < text.length; index = atom.lastIndex) {
    atom.lastIndex = index
    const found = atom.exec(text)
    if (found === null || atoms.length === maxAtoms) return undefined
    const [, set, digit, escaped, literal] = found
    const matches = set === undefined ? single(digit, escaped ?? literal ?? '') : parseSet(set)
    const times = parseTimes(found[5], found[6], found[7], found[8])
    if (matches === undefined || times === undefined) return undefined
    atoms.push({ matches, ...times })
  }
  return atoms.length === 0 ? undefined : atoms
}

function single(digit: string | undefined, character: string): Atom['matches'] {
  return digit === undefined
    ? (candidate) => candidate === character
    : (candidate) => candidate >= '0' && candidate <= '9'
}

/** The inside of `[...]`: characters and ranges; a range must run upwards. */
function parseSet(text: string): Atom['matches'] | undefined {
  const ranges: (readonly [string, string])[] = []
  for (let index = 0; index < text.length; index += 1) {
    const low = text.charAt(index)
    const isRange = text.charAt(index + 1) === '-' && index + 2 < text.length
    const high = isRange ? text.charAt(index + 2) : low
    if (high < low) return undefined
    ranges.push([low, high])
    if (isRange) index += 2
  }
  return (character) => ranges.some(([low, high]) => character >= low && character <= high)
}

function parseTimes(
  quantifier: string | undefined,
  min: string | undefined,
  range: string | undefined,
  max: string | undefined,
): Pick<Atom, 'min' | 'max'> | undefined {
  switch (quantifier) {
    case undefined:
      return { min: 1, max: 1 }
    case '?':
      return { min: 0, max: 1 }
    case '*':
      return { min: 0, max: Infinity }
    case '+':
      return { min: 1, max: Infinity }
    default: {
      const low = Number(min)
      const high = range === undefined ? low : Number(max)
      return low <= high ? { min: low, max: high } : undefined
    }
  }
}

/** Carries the set of positions that are reachable after each atom; there is no backtracking. */
function matchAll(atoms: readonly Atom[], text: string): boolean {
  let reached = new Set([0])
  for (const { matches, min, max } of atoms) {
    const next = new Set<number>()
    for (const start of reached) {
      let end = start
      if (min === 0) next.add(start)
      while (end < text.length && end - start < max && matches(text.charAt(end))) {
        end += 1
        if (end - start >= min) next.add(end)
      }
    }
    reached = next
  }
  return reached.has(text.length)
}
