import {
  compareDigits,
  compareLists,
  compareText,
  isDigits,
  schemeOf,
  type Scheme,
  type Sign,
} from './order.ts'

/** CRAN: numbers between dots and hyphens; 1.0 comes before 1.0.0. */
export const cran: Scheme = schemeOf(
  (text) => text.split(/[.-]/),
  (a, b) => compareLists(a, b, compareParts),
  /^\d+(?:[.-]\d+)+$/,
)

/** Hackage: numbers between dots; 1.0 comes before 1.0.0. */
export const hackage: Scheme = schemeOf(
  (text) => text.split('.'),
  (a, b) => compareLists(a, b, compareParts),
  /^\d+(?:\.\d+)*$/,
)

function compareParts(a: string, b: string): Sign {
  const isNumber = isDigits(a)
  if (isNumber !== isDigits(b)) return isNumber ? 1 : -1
  return isNumber ? compareDigits(a, b) : compareText(a, b)
}
