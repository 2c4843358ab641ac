import type { ApproverRole, BuilderRole } from '../messages.ts'
import { approvalRule } from './approver.ts'
import { provenanceRule } from './builder.ts'
import type { StatementRule } from './rule.ts'

export function statementRule(role: BuilderRole | ApproverRole): StatementRule {
  return role.kind === 'builder'
    ? provenanceRule(role.builderIds)
    : approvalRule(role.predicateTypes)
}
