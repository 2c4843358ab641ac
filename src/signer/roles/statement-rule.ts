import type {
  ApproverRole,
  BreakglassRole,
  BuilderRole,
  RulebookRole,
  VerifierRole,
} from '../messages.ts'
import { approvalRule } from './approver.ts'
import { breakglassRule } from './breakglass.ts'
import { provenanceRule } from './builder.ts'
import { rulebookRule } from './rulebook.ts'
import type { StatementRule } from './rule.ts'
import { summaryRule } from './verifier.ts'

type StatementRole = BuilderRole | ApproverRole | RulebookRole | VerifierRole | BreakglassRole

export function statementRule(role: StatementRole): StatementRule {
  switch (role.kind) {
    case 'builder':
      return provenanceRule(role.builderIds)
    case 'approver':
      return approvalRule(role.predicateTypes)
    case 'breakglass':
      return breakglassRule()
    case 'rulebook':
      return rulebookRule()
    case 'verifier':
      return summaryRule(role.verifierId)
  }
}
