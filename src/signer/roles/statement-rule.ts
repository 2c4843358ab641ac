import type { ApproverRole, BuilderRole, RulebookRole } from '../messages.ts'
import { approvalRule } from './approver.ts'
import { provenanceRule } from './builder.ts'
import { rulebookRule } from './rulebook.ts'
import type { StatementRule } from './rule.ts'

export function statementRule(role: BuilderRole | ApproverRole | RulebookRole): StatementRule {
  switch (role.kind) {
    case 'builder':
      return provenanceRule(role.builderIds)
    case 'approver':
      return approvalRule(role.predicateTypes)
    case 'rulebook':
      return rulebookRule()
  }
}
