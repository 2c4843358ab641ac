import { quote, SallyportError } from '#error'

const maxLength = 65_536
const maxTokens = 10_000

/** The refusal of a text that should be a licence expression. */
export function notLicense(text: string, expected: string, found: string): SallyportError {
  return new SallyportError({
    code: 'PACKAGE_LICENSE',
    where: quote(text, 120),
    expected,
    found,
    fix: 'Write the licence with identifiers of https://spdx.org/licenses, such as "MIT OR Apache-2.0"',
  })
}

/** Splits an expression at white space, parentheses and `+`. A plus belongs to the identifier it touches. */
export function tokensOf(text: string): readonly string[] {
  if (text.length > maxLength) {
    throw notLicense(text, `at most ${maxLength} characters`, `${text.length} characters`)
  }
  const tokens = text.match(/[()]|[^\s()]+/g) ?? []
  if (tokens.length > maxTokens) {
    throw notLicense(text, `at most ${maxTokens} words`, `${tokens.length} words`)
  }
  return tokens
}
