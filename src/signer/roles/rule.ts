import type { Statement } from '#attestation'
import { quote, SallyportError, type Problem } from '#error'

/** Parses and checks the bytes of a statement; returns it only when this role may sign it. */
export type StatementRule = (bytes: Uint8Array) => Statement

/** Whatever is wrong with the form of a statement is the signer's refusal, with the signer's code. */
export function wellFormed<T>(parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    if (!(cause instanceof SallyportError)) throw cause
    const [first, ...also] = cause.problems.map(asRefusal)
    throw first === undefined ? cause : new SallyportError(first, { also, cause })
  }
}

export function wrongPredicateType(found: string, allowed: readonly string[]): SallyportError {
  return new SallyportError({
    code: 'SIGNER_PREDICATE_TYPE',
    where: 'predicateType',
    expected: allowed.map((type) => quote(type)).join(' or '),
    found: quote(found),
    fix: 'Have this statement signed with the key of the role it belongs to',
  })
}

function asRefusal({ where, expected, found, fix }: Problem): Problem {
  return { code: 'SIGNER_STATEMENT', where: where ?? 'the statement', expected, found, fix }
}
