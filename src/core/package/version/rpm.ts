import {
  compareDigits,
  compareLists,
  compareText,
  firstOf,
  signOf,
  schemeOf,
  type Scheme,
  type Sign,
} from './order.ts'

interface Part {
  /** Nothing at all is before everything, even before separators that say nothing. */
  readonly isPresent: boolean
  readonly tokens: readonly Token[]
}

/** The end of a part is a token too: `~` comes before it, all else after it. */
interface Token {
  readonly rank: number
  readonly value: string
}

const ranks = { tilde: 0, end: 1, caret: 2, letters: 3, digits: 4 } as const

/** RPM's order of `epoch:version-release`, as rpmvercmp compares.                     rpm-version(7) */
export const rpm: Scheme = schemeOf(
  readKey,
  (a, b) =>
    firstOf(
      () => compareDigits(a.epoch, b.epoch),
      () => compareParts(a.version, b.version),
      () => compareParts(a.release, b.release),
    ),
  /^(?:\d+:)?[0-9A-Za-z._+~^]+(?:-[0-9A-Za-z._+~^]+)?$/,
)

function readKey(text: string) {
  const [, epoch = '0', rest = ''] = /^(?:(\d*):)?(.*)$/s.exec(text) ?? []
  const hyphen = rest.indexOf('-')
  return {
    epoch,
    version: readPart(hyphen === -1 ? rest : rest.slice(0, hyphen)),
    release: readPart(hyphen === -1 ? '' : rest.slice(hyphen)),
  }
}

function readPart(text: string): Part {
  const tokens = [...text.matchAll(/[0-9]+|[A-Za-z]+|[~^]/g)].map(([value]) => tokenOf(value))
  return { isPresent: text !== '', tokens: [...tokens, { rank: ranks.end, value: '' }] }
}

function tokenOf(value: string): Token {
  if (value === '~') return { rank: ranks.tilde, value: '' }
  if (value === '^') return { rank: ranks.caret, value: '' }
  return { rank: /^[0-9]/.test(value) ? ranks.digits : ranks.letters, value }
}

function compareParts(a: Part, b: Part): Sign {
  return firstOf(
    () => signOf(Number(a.isPresent) - Number(b.isPresent)),
    () => compareLists(a.tokens, b.tokens, compareTokens),
  )
}

function compareTokens(a: Token, b: Token): Sign {
  if (a.rank !== b.rank) return signOf(a.rank - b.rank)
  return a.rank === ranks.digits ? compareDigits(a.value, b.value) : compareText(a.value, b.value)
}
