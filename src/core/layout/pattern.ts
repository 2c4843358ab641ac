import { refuse } from './refuse.ts'

/** How much comparing one verification may do: one unit is one character held against one step of a pattern. */
export interface Budget {
  left: number
}

type Step = '*' | ((point: number) => boolean)

/** A pattern of an artifact rule, read once. */
export type Pattern = readonly Step[]

/**
 * Reads a pattern as Python's fnmatch does, which is what in-toto's rules mean: `*` is any text, slashes too; `?` any
 * character; `[a-z]` and `[!a-z]` a character of a class. There is no escape: a backslash is a backslash, and a bracket
 * that nothing closes is a bracket.
 */
export function readPattern(text: string): Pattern {
  const characters = Array.from(text)
  const steps: Step[] = []
  let at = 0
  while (at < characters.length) {
    const character = characters[at] ?? ''
    at += 1
    if (character === '*') {
      if (steps.at(-1) !== '*') steps.push('*')
    } else if (character === '?') {
      steps.push(() => true)
    } else {
      const end = character === '[' ? endOfClass(characters, at) : undefined
      steps.push(end === undefined ? isPoint(character) : readClass(characters.slice(at, end)))
      if (end !== undefined) at = end + 1
    }
  }
  return steps
}

/**
 * Whether the whole name fits. On a mismatch only the last `*` takes one character more, so the work is at most the
 * product of both lengths; what it costs is taken from the budget, so that many long names cannot add up.
 *
 * @throws SallyportError LAYOUT_EXPENSIVE when the budget is spent
 */
export function fits(pattern: Pattern, name: string, budget: Budget): boolean {
  const points = Array.from(name, (character) => character.codePointAt(0) ?? 0)
  let step = 0
  let at = 0
  let back: { readonly step: number; at: number } | undefined
  while (at < points.length) {
    spend(budget)
    const wanted = pattern[step]
    if (wanted === '*') {
      step += 1
      if (step === pattern.length) return true
      back = { step, at }
    } else if (wanted?.(points[at] ?? 0) === true) {
      step += 1
      at += 1
    } else if (back === undefined) {
      return false
    } else {
      back.at += 1
      ;({ step, at } = back)
    }
  }
  return pattern.slice(step).every((rest) => rest === '*')
}

function spend(budget: Budget): void {
  budget.left -= 1
  if (budget.left >= 0) return
  throw refuse(
    'LAYOUT_EXPENSIVE',
    'artifact rules',
    'rules that can be compared with the links in bounded work',
    'patterns with many "*" over very long paths',
    'Write fewer "*" into the patterns of the layout, or record fewer files',
  )
}

/** The place of the bracket that closes a class; one right after `[` or `[!` is a member of it. */
function endOfClass(characters: readonly string[], start: number): number | undefined {
  let at = characters[start] === '!' ? start + 1 : start
  if (characters[at] === ']') at += 1
  while (at < characters.length && characters[at] !== ']') at += 1
  return at < characters.length ? at : undefined
}

function readClass(members: readonly string[]): Step {
  const isNegated = members[0] === '!'
  const inside = isNegated ? members.slice(1) : members
  const ranges: (readonly [number, number])[] = []
  let at = 0
  while (at < inside.length) {
    // A hyphen at either end is itself; a range that goes backwards holds nothing.
    const isRange = inside[at + 1] === '-' && at + 2 < inside.length
    const low = inside[at]?.codePointAt(0) ?? 0
    const high = isRange ? (inside[at + 2]?.codePointAt(0) ?? 0) : low
    ranges.push([low, high])
    at += isRange ? 3 : 1
  }
  return (point) => ranges.some(([low, high]) => point >= low && point <= high) !== isNegated
}

function isPoint(character: string): Step {
  const wanted = character.codePointAt(0)
  return (point) => point === wanted
}
