import type { Role } from './principal.ts'

/** Who may ask, and how they prove who they are. */
export interface AccessSettings {
  readonly tokens: readonly TokenGrant[]
  readonly certificates: readonly CertificateGrant[]
  readonly oidc: readonly OidcIssuer[]
}

export interface TokenGrant {
  readonly name: string
  /** Lower-case hex SHA-256 of the token: who reads the configuration does not have it. */
  readonly sha256: string
  readonly roles: readonly Role[]
  readonly expires: Date
}

export interface CertificateGrant {
  /** A URI or DNS name among the subject's alternative names, or the common name; compared exactly. */
  readonly subject: string
  readonly roles: readonly Role[]
}

export interface OidcIssuer {
  /** Compared exactly with `iss`. */
  readonly issuer: string
  /** Must be in `aud`: a token for somebody else is not for the gate. */
  readonly audience: string
  /** Where the keys of the issuer are. */
  readonly keys: { readonly url: string } | { readonly json: string }
  readonly grants: readonly OidcGrant[]
}

export interface OidcGrant {
  /** Every one must be there and equal; a list in the token must contain it. */
  readonly claims: Readonly<Record<string, string>>
  readonly roles: readonly Role[]
}
