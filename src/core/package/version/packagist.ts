import { compareDigits, compareLists, signOf, schemeOf, type Scheme, type Sign } from './order.ts'

/** One step of a version; its end is a step too. */
interface Token {
  readonly rank: number
  readonly digits: string
}

// PHP's version_compare: any other word < dev < alpha < beta < rc < the end < # < a number < pl.
const words = ['dev', 'a', 'b', 'rc'] as const
const end: Token = { rank: 5, digits: '' }
const hash: Token = { rank: 6, digits: '' }
const numberRank = 7
const patch: Token = { rank: 8, digits: '' }

/** Composer's order, which is PHP's `version_compare` without the leading `v`. */
export const packagist: Scheme = schemeOf(
  readKey,
  (a, b) => compareLists(a, b, compareTokens),
  /^[vV]?\d(?:[-._+]?[0-9A-Za-z])*$|^dev-\S+$/,
)

function readKey(text: string): readonly Token[] {
  const parts = text.replace(/^[vV]/, '').match(/\d+|[^\d._+-]+/g) ?? []
  const tokens = parts.map(tokenOf)
  while (tokens.at(-1) === hash) tokens.pop()
  return [...tokens, end]
}

function tokenOf(part: string): Token {
  if (/^\d/.test(part)) return { rank: numberRank, digits: part }
  if (part.startsWith('#')) return hash
  if (part.startsWith('p')) return patch
  const known = part.startsWith('RC') ? 'rc' : words.find((word) => part.startsWith(word))
  return { rank: known === undefined ? 0 : words.indexOf(known) + 1, digits: '' }
}

function compareTokens(a: Token, b: Token): Sign {
  return signOf(a.rank - b.rank) || compareDigits(a.digits, b.digits)
}
