import type { Problem } from '#error'
import type { CertificateProof } from './find-identities.ts'
import type { TrustedIdentity, TrustedKey } from './trust.ts'
import { endOf, identityTimeProblem, keyProblem, type TrustedTime } from './validity.ts'

/** Somebody of the trust file behind a good signature: the holder of a key, or of a certificate. */
export interface Voucher {
  readonly signer: string
  readonly owner: string
  /** Of the key; of a certificate, the sha256 of its DER. */
  readonly keyid: string
  readonly certificate?: CertificateProof
  /** Why the signature cannot be believed at this time. */
  readonly problemAt: (now: Date) => Problem | undefined
  /** When it stops being good, if nothing changes but the time. */
  readonly end?: Date
}

/** The holder of a key; `times` are those that others than the signer prove. */
export function keyVoucher(key: TrustedKey, times: readonly TrustedTime[]): Voucher {
  const { signer, owner, keyid } = key
  const end = keyProblem(key, never, times) === undefined ? undefined : endOf(key)
  return {
    signer,
    owner,
    keyid,
    problemAt: (now) => keyProblem(key, now, times),
    ...(end === undefined ? {} : { end }),
  }
}

/** After everything: only a trusted time makes a key good then, and such a key stays good for ever. */
const never = new Date(8.64e15)

/** The holder of a certificate. What it signed in its time stays good: there is always a trusted time. */
export function identityVoucher(identity: TrustedIdentity, certificate: CertificateProof): Voucher {
  const { signer, owner } = identity
  const problem = identityTimeProblem(identity, certificate.times)
  return { signer, owner, keyid: certificate.keyid, certificate, problemAt: () => problem }
}
