import { quote } from '#error'
import { refuse, tooMuch } from '../field.ts'

/** One step of a pattern: any text, or one character of those that fit. */
type Step = 'any' | ((character: string) => boolean)

const maxLength = 4096

/**
 * Whether a name matches a pattern of an in-toto layout: `*` is any text, `?` any character, `[a-z]` a character of
 * a class, `[!a-z]` one outside it, and `\` takes the next character as it is. A slash is an ordinary character.
 *
 * @throws SallyportError ATTESTATION_FIELD when the pattern is malformed, whatever the name is
 */
export function matchesPattern(pattern: string, name: string): boolean {
  for (const text of [pattern, name]) {
    if (text.length > maxLength) {
      throw tooMuch('pattern or name', `at most ${maxLength} characters`, text.length)
    }
  }
  return matches(stepsOf(pattern), Array.from(name))
}

/** On a mismatch, goes back to the last `*` and lets it take one character more. */
function matches(steps: readonly Step[], characters: readonly string[]): boolean {
  let step = 0
  let at = 0
  let back: { readonly step: number; at: number } | undefined
  while (at < characters.length) {
    const fits = steps[step]
    if (fits === 'any') {
      step += 1
      back = { step, at }
    } else if (fits?.(characters[at] ?? '') === true) {
      step += 1
      at += 1
    } else if (back === undefined) {
      return false
    } else {
      back.at += 1
      ;({ step, at } = back)
    }
  }
  return steps.slice(step).every((rest) => rest === 'any')
}

function stepsOf(pattern: string): readonly Step[] {
  const characters = Array.from(pattern)
  const steps: Step[] = []
  let at = 0
  while (at < characters.length) {
    const character = characters[at]
    if (character === '[') {
      const end = readClass(characters, at + 1, pattern)
      steps.push(end.fits)
      at = end.next
      continue
    }
    const literal = readLiteral(characters, at, pattern)
    if (character === '*') steps.push('any')
    else if (character === '?') steps.push(() => true)
    else steps.push((other) => other === literal.character)
    at = literal.next
  }
  return steps
}

/** `[!a-z\]]`: at least one range, and no bare `-` or `]` in it. */
function readClass(characters: readonly string[], start: number, pattern: string) {
  const isNegated = characters[start] === '!'
  const ranges: (readonly [string, string])[] = []
  let at = isNegated ? start + 1 : start
  while (characters[at] !== ']' || ranges.length === 0) {
    const low = readMember(characters, at, pattern)
    const isRange = characters[low.next] === '-'
    const high = isRange ? readMember(characters, low.next + 1, pattern) : low
    ranges.push([low.character, high.character])
    at = high.next
  }
  const fits = (character: string): boolean => {
    const point = character.codePointAt(0) ?? 0
    const isInside = ranges.some(
      ([low, high]) => point >= (low.codePointAt(0) ?? 0) && point <= (high.codePointAt(0) ?? 0),
    )
    return isInside !== isNegated
  }
  return { fits, next: at + 1 }
}

function readMember(characters: readonly string[], at: number, pattern: string) {
  const character = characters[at]
  if (character === undefined || character === '-' || character === ']') {
    throw malformed(pattern)
  }
  return readLiteral(characters, at, pattern)
}

function readLiteral(characters: readonly string[], at: number, pattern: string) {
  const isEscaped = characters[at] === '\\'
  const character = characters[isEscaped ? at + 1 : at]
  if (character === undefined) throw malformed(pattern)
  return { character, next: at + (isEscaped ? 2 : 1) }
}

function malformed(pattern: string): Error {
  return refuse(
    'ATTESTATION_FIELD',
    'pattern',
    'a pattern whose classes close and whose backslashes are followed by a character',
    quote(pattern),
    'Write "-" and "]" in a class, and every character that shall stand for itself, behind a backslash',
  )
}
