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

interface Key {
  readonly numbers: readonly string[]
  /** Missing in a release, which comes after its pre-releases. */
  readonly prerelease: readonly string[] | undefined
  readonly build: readonly string[]
}

const identifiers = String.raw`(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)`
const tail = String.raw`(?:-${identifiers}(?:\.${identifiers})*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$`
const strict = new RegExp(String.raw`^v?(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)${tail}`)

/** Semantic Versioning 2.0.0, with any number of numbers and a leading `v` where somebody writes them. */
export const semver: Scheme = schemeOf(readKey, compareKeys, strict)

/** Dart's pub: like SemVer, and builds are ordered too. */
export const pub: Scheme = schemeOf(
  readKey,
  (a, b) =>
    firstOf(
      () => compareKeys(a, b),
      () => compareLists(a.build, b.build, compareIdentifiers),
    ),
  strict,
)

/** NuGet: up to four numbers, and case means nothing. */
export const nuget: Scheme = schemeOf(
  (text) => readKey(text.toLowerCase()),
  compareKeys,
  /^\d+(?:\.\d+){0,3}(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/,
)

function readKey(text: string): Key {
  const plain = text.startsWith('v') ? text.slice(1) : text
  const numbers = /^\d*(?:\.\d+)*/.exec(plain)?.[0] ?? ''
  const rest = plain.slice(numbers.length)
  const plus = rest.indexOf('+')
  const prerelease = (plus === -1 ? rest : rest.slice(0, plus)).replace(/^-/, '')
  return {
    numbers: numbers.split('.').map((number) => number || '0'),
    prerelease: prerelease === '' ? undefined : prerelease.split('.'),
    build: plus === -1 ? [] : rest.slice(plus + 1).split('.'),
  }
}

function compareKeys(a: Key, b: Key): Sign {
  return firstOf(
    () => comparePadded(a.numbers, b.numbers, '0', compareDigits),
    () => signOf(Number(a.prerelease === undefined) - Number(b.prerelease === undefined)),
    () => compareLists(a.prerelease ?? [], b.prerelease ?? [], compareIdentifiers),
  )
}

/** SemVer §11.4: numbers before words. */
function compareIdentifiers(a: string, b: string): Sign {
  const isNumber = isDigits(a)
  if (isNumber !== isDigits(b)) return isNumber ? -1 : 1
  return isNumber ? compareDigits(a, b) : compareText(a, b)
}
