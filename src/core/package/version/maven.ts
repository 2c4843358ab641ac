import {
  compareDigits,
  compareLists,
  compareText,
  isDigits,
  schemeOf,
  signOf,
  type Scheme,
  type Sign,
} from './order.ts'

/** One step of a version. The end of a version is a step too, so that all steps have one order. */
interface Token {
  readonly rank: number
  readonly value: string
}

const qualifiers = ['alpha', 'beta', 'milestone', 'rc', 'snapshot']
const end: Token = { rank: qualifiers.length, value: '' }
const servicePack = end.rank + 1
const otherQualifier = end.rank + 2
const hyphenNumber = end.rank + 3
const dotNumber = end.rank + 4

/**
 * Maven's order: `alpha < beta < milestone < rc < snapshot < the release < sp < other words < -number < .number`.
 * Maven's own code goes round in circles for mixtures of dots and hyphens before words (1.sp < 1-alpha < 1 < 1.sp);
 * here a word is the same behind either, as Maven's newer documentation has it.
 * https://maven.apache.org/pom.html#Version_Order_Specification
 */
export const maven: Scheme = schemeOf(
  (text) => [...withoutNulls(tokensOf(text.toLowerCase())).map(weigh), end],
  (a, b) => compareLists(a, b, compareTokens),
  /^[0-9A-Za-z][0-9A-Za-z._+-]*$/,
)

interface Piece {
  readonly isHyphen: boolean
  readonly value: string
}

/** Splits at dots, hyphens and between digits and others, which counts as a hyphen. */
function tokensOf(text: string): readonly Piece[] {
  const pieces: Piece[] = []
  for (const match of text.matchAll(/([-.]?)(\d+|[^\d.-]+|)/g)) {
    const [whole, mark, value = ''] = match
    if (whole === '' && match.index > 0) continue
    const isFirst = match.index === 0
    const next = text[match.index + whole.length] ?? ''
    pieces.push({
      isHyphen: !isFirst && mark !== '.',
      value: named(value, isDigits(next)),
    })
  }
  return pieces
}

const shortNames: ReadonlyMap<string, string> = new Map([
  ['a', 'alpha'],
  ['b', 'beta'],
  ['m', 'milestone'],
])
const releaseNames = new Set(['ga', 'final', 'release'])

function named(value: string, beforeDigit: boolean): string {
  if (value === '') return '0'
  if (value === 'cr') return 'rc'
  if (releaseNames.has(value)) return ''
  return beforeDigit ? (shortNames.get(value) ?? value) : value
}

/** Leaves out what says nothing: zeros and names of the release at the end, and before a hyphen or a word. */
function withoutNulls(pieces: readonly Piece[]): readonly Piece[] {
  const kept: Piece[] = []
  let mayDrop = true
  for (const [index, piece] of [...pieces.entries()].toReversed()) {
    const isNull = /^0*$/.test(piece.value)
    if (piece.value === '' || (isNull && mayDrop && index > 0)) continue
    kept.push(piece)
    mayDrop = piece.isHyphen || !isDigits(piece.value)
  }
  return kept.toReversed()
}

function weigh({ isHyphen, value }: Piece): Token {
  if (isDigits(value)) return { rank: isHyphen ? hyphenNumber : dotNumber, value }
  const known = qualifiers.indexOf(value)
  if (known !== -1) return { rank: known, value: '' }
  return value === 'sp' ? { rank: servicePack, value: '' } : { rank: otherQualifier, value }
}

function compareTokens(a: Token, b: Token): Sign {
  if (a.rank !== b.rank) return signOf(a.rank - b.rank)
  return isDigits(a.value) ? compareDigits(a.value, b.value) : compareText(a.value, b.value)
}
