import { parseStatement, predicateTypes, readPredicate } from '#attestation'
import { quote, SallyportError } from '#error'
import { wellFormed, wrongPredicateType, type StatementRule } from './rule.ts'
import { checkSubjects } from './subjects.ts'

const allowed: readonly string[] = [predicateTypes.vsa, predicateTypes.svr]

/** What this verifier has found about artifacts that are named by their SHA-256, and nothing else. */
export function summaryRule(verifierId: string): StatementRule {
  return (bytes) => {
    const statement = wellFormed(() => parseStatement(bytes))
    if (!allowed.includes(statement.predicateType)) {
      throw wrongPredicateType(statement.predicateType, allowed)
    }
    const predicate = wellFormed(() => readPredicate(statement))
    const found = verifierOf(predicate)
    if (found !== verifierId) throw otherVerifier(found, verifierId)
    SallyportError.throwAll(checkSubjects(statement))
    return statement
  }
}

function verifierOf(predicate: ReturnType<typeof readPredicate>): string | undefined {
  if (predicate.kind === 'vsa') return predicate.vsa.verifierId
  return predicate.kind === 'svr' ? predicate.svr.verifierId : undefined
}

function otherVerifier(found: string | undefined, expected: string): SallyportError {
  return new SallyportError({
    code: 'SIGNER_STATEMENT',
    where: 'predicate.verifier.id',
    expected: quote(expected),
    found: found === undefined ? 'nothing' : quote(found),
    fix: 'Have this summary signed by the verifier that it names',
  })
}
