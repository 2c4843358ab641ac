/** What somebody may do. One does not contain another: who needs two is given two. */
export const roles = ['viewer', 'deployer', 'approver', 'operator', 'auditor', 'builder'] as const
export type Role = (typeof roles)[number]

/** Somebody who asks, as they proved it. */
export interface Principal {
  /** Unique within its kind, such as `token:ci`, `certificate:spiffe://…`, `oidc:https://issuer#subject`. */
  readonly name: string
  readonly roles: ReadonlySet<Role>
  /** The grants of an issuer that their token fits: not the name tells what they hold, but what they are. */
  readonly grants?: readonly IssuerGrant[]
}

/** A grant of an issuer, by what a token has to say. */
export interface IssuerGrant {
  readonly issuer: string
  readonly claims: Readonly<Record<string, string>>
}
