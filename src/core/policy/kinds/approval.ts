import { predicateTypes, readApproval, type Approval } from '#attestation'
import { shellName } from '../shell-name.ts'
import type { EvidenceKind } from '../rule.ts'

export const approvalKind: EvidenceKind<Approval> = {
  name: 'approval',
  missing: 'APPROVAL_MISSING',
  predicateTypes: new Set([predicateTypes.approval]),
  read: (statement) => readApproval(statement),
  obtain: ({ artifact, target }, by) => approve(artifact.name, target.environment, by),
}

/** The fix for an approval that is not there or not right. */
export function approve(artifact: string, environment: string, by: readonly string[]): string {
  const command = `sallyport approve ${shellName(artifact)} --environment ${shellName(environment)} --reason "why"`
  return `Have ${by.join(' or ')} approve it: \`${command}\``
}
