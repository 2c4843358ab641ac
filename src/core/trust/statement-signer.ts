import type { Envelope, Statement } from '#attestation'

/**
 * One who can sign statements. Whoever implements it MUST check by itself that it may make the statement before it
 * signs, and MUST NOT let the private key be seen by whoever calls.
 */
export interface StatementSigner {
  /** Lower-case hex sha256 of the public key's SubjectPublicKeyInfo (DER). */
  readonly keyid: string
  readonly publicKeyPem: string
  sign(statement: Statement): Promise<Envelope>
  close(): Promise<void>
}
