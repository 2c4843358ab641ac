import { parseStatement } from '#attestation'
import { readRulebookStatement, rulebookFileType } from '#trust'
import { wellFormed, wrongPredicateType, type StatementRule } from './rule.ts'

/** That an owner means one edition of one policy or trust file, and nothing else: this key never speaks of an artifact. */
export function rulebookRule(): StatementRule {
  return (bytes) => {
    const statement = wellFormed(() => parseStatement(bytes))
    if (statement.predicateType !== rulebookFileType) {
      throw wrongPredicateType(statement.predicateType, [rulebookFileType])
    }
    wellFormed(() => readRulebookStatement(statement, 'the statement'))
    return statement
  }
}
