import {
  compareDigits,
  compareLists,
  comparePadded,
  compareText,
  firstOf,
  signOf,
  schemeOf,
  type Scheme,
  type Sign,
} from './order.ts'

interface Suffix {
  readonly rank: number
  readonly number: string
}

interface Key {
  readonly numbers: readonly string[]
  readonly letter: string
  readonly suffixes: readonly Suffix[]
  readonly build: string
  /** What is left when the text is no version. */
  readonly rest: string
  readonly isWhole: boolean
}

const suffixNames = ['alpha', 'beta', 'pre', 'rc', '', 'cvs', 'svn', 'git', 'hg', 'p']
const noSuffix: Suffix = { rank: suffixNames.indexOf(''), number: '0' }

/** The order of apk: `number{.number}…{letter}{_suffix{number}}…{~hash}{-r#}`. Hashes have no order. */
export const alpine: Scheme = schemeOf(
  readKey,
  compareKeys,
  /^\d+(?:\.\d+)*[a-z]?(?:_(?:alpha|beta|pre|rc|cvs|svn|git|hg|p)\d*)*(?:~[0-9a-f]+)?(?:-r\d+)?$/,
)

function readKey(text: string): Key {
  const [head = '', numbers, letter = ''] = /^(\d+(?:\.\d+)*)?([a-z])?/.exec(text) ?? []
  const { suffixes, end } = readSuffixes(text, head.length)
  const [tail = '', build] = /^(?:~[0-9a-f]+)?(?:-r(\d*))?/.exec(text.slice(end)) ?? []
  const rest = text.slice(end + tail.length)
  const isWhole = rest === ''
  return {
    numbers: numbers?.split('.') ?? [],
    letter,
    suffixes,
    ...(build === undefined ? { build: '', rest } : { build, rest: '' }),
    isWhole,
  }
}

function readSuffixes(text: string, start: number) {
  const form = /_(alpha|beta|pre|rc|cvs|svn|git|hg|p)(\d*)/y
  form.lastIndex = start
  const suffixes: Suffix[] = []
  let end = start
  for (let match = form.exec(text); match !== null; match = form.exec(text)) {
    suffixes.push({ rank: suffixNames.indexOf(match[1] ?? ''), number: match[2] ?? '' })
    end = form.lastIndex
  }
  return { suffixes, end }
}

function compareKeys(a: Key, b: Key): Sign {
  return firstOf(
    () => compareDigits(a.numbers[0] ?? '', b.numbers[0] ?? ''),
    () => compareLists(a.numbers.slice(1), b.numbers.slice(1), compareNumbers),
    () => compareText(a.letter, b.letter),
    () => comparePadded(a.suffixes, b.suffixes, noSuffix, compareSuffixes),
    () => compareDigits(a.build, b.build),
    () => signOf(Number(a.isWhole) - Number(b.isWhole)),
    () => compareText(a.rest, b.rest),
  )
}

/** Behind the first number, digits that begin with 0 are decimals: 1.09 comes before 1.1. */
function compareNumbers(a: string, b: string): Sign {
  return a.startsWith('0') || b.startsWith('0') ? compareText(a, b) : compareDigits(a, b)
}

function compareSuffixes(a: Suffix, b: Suffix): Sign {
  return signOf(a.rank - b.rank) || compareDigits(a.number, b.number)
}
