import { quote, type SallyportError } from '#error'
import { canonicalException, canonicalLicense } from './identifiers.ts'
import { notLicense, tokensOf } from './tokens.ts'

/** One licence, as it is granted. */
export interface OneLicense {
  readonly kind: 'license'
  /** As the SPDX list spells it; or `LicenseRef-…`, `DocumentRef-…:LicenseRef-…`. */
  readonly id: string
  /** Written with `+`: this version or any later one. */
  readonly orLater: boolean
  /** What stands behind WITH. */
  readonly exception?: string
  /** False when neither the SPDX list nor the document defines it. */
  readonly isKnown: boolean
}

/** A licence expression: all of its parts hold, or the recipient chooses any of them. */
export type License =
  OneLicense | { readonly kind: 'all' | 'any'; readonly parts: readonly License[] }

export interface LicenseOptions {
  /** Keeps identifiers that nobody defined, marked `isKnown: false`, instead of refusing them. */
  readonly keepUnknown?: boolean
}

const maxDepth = 100

/**
 * Parses an SPDX licence expression. Identifiers are found whatever their case; operators are all in upper or
 * all in lower case; `WITH` binds before `AND`, `AND` before `OR`.
 * https://spdx.github.io/spdx-spec/v3.0.1/annexes/spdx-license-expressions
 *
 * @throws SallyportError PACKAGE_LICENSE
 */
export function parseLicense(text: string, options: LicenseOptions = {}): License {
  return new Reader(text, options.keepUnknown === true).read()
}

/** Reads the words of one expression from left to right, each once. */
class Reader {
  readonly #text: string
  readonly #tokens: readonly string[]
  readonly #keepUnknown: boolean
  #at = 0

  constructor(text: string, keepUnknown: boolean) {
    this.#text = text
    this.#tokens = tokensOf(text)
    this.#keepUnknown = keepUnknown
  }

  read(): License {
    const license = this.#readAny(0)
    if (this.#at === this.#tokens.length) return license
    throw this.#refuse('AND, OR or the end')
  }

  #readAny(depth: number): License {
    return this.#readParts('any', 'OR', () => this.#readAll(depth))
  }

  #readAll(depth: number): License {
    return this.#readParts('all', 'AND', () => this.#readOne(depth))
  }

  #readParts(kind: 'all' | 'any', operator: string, read: () => License): License {
    const first = read()
    const parts = [first]
    while (this.#takes(operator)) parts.push(read())
    return parts.length === 1 ? first : { kind, parts }
  }

  #readOne(depth: number): License {
    if (!this.#takes('(')) return this.#readLicense()
    if (depth === maxDepth) throw this.#refuse(`at most ${maxDepth} parentheses within another`)
    const inner = this.#readAny(depth + 1)
    if (this.#takes(')')) return inner
    throw this.#refuse('a closing parenthesis')
  }

  #readLicense(): OneLicense {
    const word = this.#readWord('a licence')
    const hasPlus = word.endsWith('+')
    const id = canonicalLicense(hasPlus ? word.slice(0, -1) : word)
    const isKnown = id !== undefined && !(hasPlus && id.includes('LicenseRef-'))
    if (!isKnown) this.#unknown(word, 'an identifier of the SPDX License List')
    const license = isKnown ? { id, orLater: hasPlus } : { id: word, orLater: false }
    if (!this.#takes('WITH')) return { kind: 'license', ...license, isKnown }
    const exceptionWord = this.#readWord('an exception')
    const exception = canonicalException(exceptionWord)
    if (exception === undefined) {
      this.#unknown(exceptionWord, 'an exception of the SPDX License List')
    }
    return {
      kind: 'license',
      ...license,
      exception: exception ?? exceptionWord,
      isKnown: isKnown && exception !== undefined,
    }
  }

  #readWord(expected: string): string {
    const word = this.#tokens[this.#at]
    if (word === undefined || /^(?:[()]|AND|OR|WITH)$/i.test(word)) throw this.#refuse(expected)
    this.#at += 1
    return word
  }

  #takes(token: string): boolean {
    const next = this.#tokens[this.#at]
    const isNext = next === token || next === token.toLowerCase()
    if (isNext) this.#at += 1
    return isNext
  }

  #unknown(word: string, expected: string): void {
    if (!this.#keepUnknown) throw notLicense(this.#text, expected, quote(word))
  }

  #refuse(expected: string): SallyportError {
    const next = this.#tokens[this.#at]
    return notLicense(this.#text, expected, next === undefined ? 'the end' : quote(next))
  }
}

/** Writes an expression with as few parentheses as it needs. */
export function formatLicense(license: License): string {
  if (license.kind === 'license') {
    const { id, orLater, exception } = license
    return `${id}${orLater ? '+' : ''}${exception === undefined ? '' : ` WITH ${exception}`}`
  }
  const inner = license.parts.map((part) =>
    license.kind === 'all' && part.kind === 'any'
      ? `(${formatLicense(part)})`
      : formatLicense(part),
  )
  return inner.join(license.kind === 'all' ? ' AND ' : ' OR ')
}
