/** What somebody may do. One does not contain another: who needs two is given two. */
export const roles = ['viewer', 'deployer', 'approver', 'operator', 'auditor', 'builder'] as const
export type Role = (typeof roles)[number]

/** Somebody who asks, as they proved it. */
export interface Principal {
  /** Unique within its kind, such as `token:ci`, `certificate:spiffe://…`, `oidc:https://issuer#subject`. */
  readonly name: string
  readonly roles: ReadonlySet<Role>
}
