import { compareDigits, firstOf, signOf, schemeOf, type Scheme, type Sign } from './order.ts'

interface Key {
  readonly epoch: string
  readonly upstream: string
  readonly revision: string
}

/** Debian's order, as dpkg compares.                                              deb-version(7) */
export const debian: Scheme = schemeOf(
  readKey,
  (a, b) =>
    firstOf(
      () => compareDigits(a.epoch, b.epoch),
      () => compareParts(a.upstream, b.upstream),
      () => compareParts(a.revision, b.revision),
    ),
  /^(?:\d+:)?\d[0-9A-Za-z.+~:-]*$/,
)

function readKey(text: string): Key {
  const [, epoch = '0', rest = ''] = /^(?:(\d+):)?(.*)$/s.exec(text.trim()) ?? []
  const hyphen = rest.lastIndexOf('-')
  return hyphen === -1
    ? { epoch, upstream: rest, revision: '' }
    : { epoch, upstream: rest.slice(0, hyphen), revision: rest.slice(hyphen + 1) }
}

/** Turns of non-digits and digits: the former by character, the latter as numbers. */
function compareParts(a: string, b: string): Sign {
  const one = turnsOf(a)
  const other = turnsOf(b)
  for (let index = 0; index < Math.max(one.length, other.length); index += 1) {
    const [words = '', digits = ''] = one[index] ?? []
    const [otherWords = '', otherDigits = ''] = other[index] ?? []
    const sign = compareWords(words, otherWords) || compareDigits(digits, otherDigits)
    if (sign !== 0) return sign
  }
  return 0
}

function turnsOf(text: string): readonly (readonly [string, string])[] {
  return [...text.matchAll(/(\D*)(\d*)/g)].map(([, words = '', digits = '']) => [words, digits])
}

function compareWords(a: string, b: string): Sign {
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const sign = signOf(weigh(a, index) - weigh(b, index))
    if (sign !== 0) return sign
  }
  return 0
}

/** `~` before the end, the end before letters, letters before all else. */
function weigh(text: string, index: number): number {
  const unit = text.charCodeAt(index)
  if (Number.isNaN(unit)) return 0
  if (unit === 0x7e) return -1
  return /[A-Za-z]/.test(text.charAt(index)) ? unit : unit + 65_536
}
