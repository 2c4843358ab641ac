import {
  parseStatement,
  predicateTypes,
  readBreakglass,
  readRiskAcceptance,
  type Statement,
} from '#attestation'
import { quote, SallyportError } from '#error'
import { checkSubjects } from './subjects.ts'
import { wellFormed, wrongPredicateType, type StatementRule } from './rule.ts'

const longestMs = 168 * 3_600_000

/**
 * Grants of breakglass, and risks accepted afterwards, for artifacts that are named by their SHA-256, and nothing else: this
 * key never approves a release.
 */
export function breakglassRule(): StatementRule {
  return (bytes) => {
    const statement = wellFormed(() => parseStatement(bytes))
    checkPredicate(statement)
    SallyportError.throwAll(checkSubjects(statement))
    return statement
  }
}

function checkPredicate(statement: Statement): void {
  const { predicateType } = statement
  if (predicateType === predicateTypes.riskAcceptance) {
    wellFormed(() => readRiskAcceptance(statement))
    return
  }
  if (predicateType !== predicateTypes.breakglass)
    throw wrongPredicateType(predicateType, [predicateTypes.breakglass])
  const { notBefore, expires } = wellFormed(() => readBreakglass(statement))
  if (Date.parse(expires) - Date.parse(notBefore) > longestMs) throw tooLong(expires)
}

function tooLong(expires: string): SallyportError {
  return new SallyportError({
    code: 'SIGNER_STATEMENT',
    where: 'predicate.expires',
    expected: 'at most 168 hours after notBefore',
    found: quote(expires),
    fix: 'Ask for a shorter time; what lasts longer is no emergency',
  })
}
