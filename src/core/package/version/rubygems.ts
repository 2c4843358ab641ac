import {
  compareDigits,
  comparePadded,
  compareText,
  isDigits,
  schemeOf,
  type Scheme,
  type Sign,
} from './order.ts'

/** RubyGems: `Gem::Version`. Letters make a pre-release; missing parts are 0. */
export const rubygems: Scheme = schemeOf(
  readKey,
  (a, b) => comparePadded(a, b, '0', compareSegments),
  /^[0-9]+(?:\.[0-9A-Za-z]+)*(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/,
)

/** The segments, without the zeros that end the numbers before the first letters. */
function readKey(text: string): readonly string[] {
  const segments =
    text
      .trim()
      .replaceAll('-', '.pre.')
      .match(/\d+|[^\d.]+/g) ?? []
  const word = segments.findIndex((segment) => !isDigits(segment))
  if (word === -1) return segments
  let last = word
  while (last > 0 && /^0+$/.test(segments[last - 1] ?? '')) last -= 1
  return [...segments.slice(0, last), ...segments.slice(word)]
}

function compareSegments(a: string, b: string): Sign {
  const isNumber = isDigits(a)
  if (isNumber !== isDigits(b)) return isNumber ? 1 : -1
  return isNumber ? compareDigits(a, b) : compareText(a, b)
}
