import {
  compareDigits,
  compareLists,
  comparePadded,
  compareText,
  firstOf,
  isDigits,
  schemeOf,
  signOf,
  type Scheme,
  type Sign,
} from './order.ts'

/** What stands behind a release: a phase by rank, and its number. */
interface Phase {
  readonly rank: number
  readonly number: string
}

interface Key {
  /** Versions from before PEP 440 come first, in the order of their old keys. */
  readonly legacy: string | undefined
  readonly epoch: string
  readonly release: readonly string[]
  readonly pre: Phase
  readonly post: Phase
  readonly dev: Phase
  readonly local: readonly string[]
}

const form =
  /^v?(?:(\d+)!)?(\d+(?:\.\d+)*)(?:[-_.]?(alpha|beta|preview|pre|rc|a|b|c)[-_.]?(\d*))?(?:-(\d+)|[-_.]?(post|rev|r)[-_.]?(\d*))?(?:[-_.]?(dev)[-_.]?(\d*))?(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?$/

/** Python's version order.                    https://packaging.python.org/en/latest/specifications/version-specifiers */
export const pypi: Scheme = {
  ...schemeOf(readKey, compareKeys, form),
  isVersion: (text) => form.test(text.trim().toLowerCase()),
}

const ranks: Readonly<Record<string, number>> = { a: 1, alpha: 1, b: 2, beta: 2 }
const earliest: Phase = { rank: 0, number: '0' }
const candidate = 3
const latest: Phase = { rank: 4, number: '0' }

function readKey(text: string): Key {
  const lower = text.trim().toLowerCase()
  const match = form.exec(lower)
  if (match === null) return { ...nothing, legacy: legacyKey(lower) }
  const [, epoch = '0', release = '', pre, preNumber, postOnly, post, postNumber, dev, devNumber] =
    match
  const hasPost = postOnly !== undefined || post !== undefined
  return {
    legacy: undefined,
    epoch,
    release: release.split('.'),
    pre: prePhase(pre, preNumber, dev !== undefined && !hasPost),
    post: hasPost ? { rank: 1, number: postOnly ?? numbered(postNumber) } : earliest,
    dev: dev === undefined ? latest : { rank: 1, number: numbered(devNumber) },
    local: match[10]?.split(/[-_.]/) ?? [],
  }
}

const nothing: Omit<Key, 'legacy'> = {
  epoch: '0',
  release: [],
  pre: latest,
  post: earliest,
  dev: latest,
  local: [],
}

/** A development release of nothing but a release comes before its pre-releases: 1.0.dev0 < 1.0a0. */
function prePhase(letter: string | undefined, number: string | undefined, isDev: boolean): Phase {
  if (letter !== undefined) return { rank: ranks[letter] ?? candidate, number: numbered(number) }
  return isDev ? earliest : latest
}

/** A phase without a number has the number 0. */
function numbered(number: string | undefined): string {
  return number === undefined || number === '' ? '0' : number
}

function compareKeys(a: Key, b: Key): Sign {
  return firstOf(
    () => signOf(Number(a.legacy === undefined) - Number(b.legacy === undefined)),
    () => compareText(a.legacy ?? '', b.legacy ?? ''),
    () => compareDigits(a.epoch, b.epoch),
    () => comparePadded(a.release, b.release, '0', compareDigits),
    () => comparePhases(a.pre, b.pre),
    () => comparePhases(a.post, b.post),
    () => comparePhases(a.dev, b.dev),
    () => compareLists(a.local, b.local, compareLocal),
  )
}

function comparePhases(a: Phase, b: Phase): Sign {
  return signOf(a.rank - b.rank) || compareDigits(a.number, b.number)
}

/** Words before numbers. */
function compareLocal(a: string, b: string): Sign {
  const isNumber = isDigits(a)
  if (isNumber !== isDigits(b)) return isNumber ? 1 : -1
  return isNumber ? compareDigits(a, b) : compareText(a, b)
}

const legacyWords: ReadonlyMap<string, string> = new Map([
  ['pre', 'c'],
  ['preview', 'c'],
  ['rc', 'c'],
  ['dev', '@'],
  ['-', 'final-'],
])

/** The key that setuptools used before PEP 440. */
function legacyKey(text: string): string {
  const parts: string[] = []
  for (const part of [...(text.match(/\d+|[a-z]+|-/g) ?? []), 'final']) {
    const word = legacyWords.get(part) ?? part
    if (isDigits(part)) {
      parts.push(part.padStart(8, '0'))
      continue
    }
    if (`*${word}` < '*final') while (parts.at(-1) === '*final-') parts.pop()
    while (parts.at(-1) === '00000000') parts.pop()
    parts.push(`*${word}`)
  }
  return parts.join('')
}
