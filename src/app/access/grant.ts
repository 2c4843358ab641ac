import { encodeCanonical, sha256Hex, type Json } from '#document'
import type { Deployer } from '#policy'

export type GrantKind =
  /** Asks the gate over HTTP, with a bearer token, a client certificate or a token of an issuer. */
  | 'token'
  | 'certificate'
  | 'oidc'
  | 'api-server'
  /** Whoever reaches an address of the gate. */
  | 'open'
  /** Signs what policies believe. */
  | 'signer'
  /** Vouches for the names that signers or clients go by. */
  | 'authority'
  /** Lets something in although a rule says no. */
  | 'approver'
  | 'deployer'
  /** A policy lets something in although it does not meet the policy. */
  | 'waiver'
  /** Signs policies and trust file. */
  | 'rulebook'
  | 'witness'
  /** What the gate itself has: keys, and credentials for others. */
  | 'key'
  | 'credential'

/** How the log shows that a grant is used. `shared`: others show in the same way. */
export type Trace =
  | { readonly kind: 'principal'; readonly name: string }
  | { readonly kind: 'prefix'; readonly prefix: string; readonly shared: boolean }
  | { readonly kind: 'signer'; readonly name: string; readonly shared: boolean }
  | { readonly kind: 'approver'; readonly policy: string; readonly owners: readonly string[] }
  | { readonly kind: 'deployer'; readonly policy: string; readonly deployer?: Deployer }
  | { readonly kind: 'openly'; readonly chokePoint: string }
  | { readonly kind: 'waiver'; readonly name: string; readonly shared: boolean }

/** One permission that configuration, trust file or a policy gives. It holds no secret. */
export interface Grant {
  /** What it is called, as long as who may is the same. */
  readonly id: string
  readonly kind: GrantKind
  readonly who: string
  /** Names that the holder goes by: none of them reviews this grant. */
  readonly holders: readonly string[]
  readonly may: readonly string[]
  /** File and path. */
  readonly where: string
  readonly from?: string
  /** When it ends by itself. */
  readonly until?: string
  /** Whether it has to stay written down when it is over: what was signed before stays good. */
  readonly outlivesItsEnd?: boolean
  /** Absent: its use leaves no trace in the log. */
  readonly trace?: Trace
  /** Of all that it gives: a review is bound to it, so a changed grant is one that nobody has reviewed. */
  readonly sha256: string
}

export interface GrantParts extends Omit<Grant, 'sha256'> {
  /** What is given and to whom, such as roles and the digest of a key: never shown, and bound by a review. */
  readonly content: Json
}

const maxId = 300

/** Where it is written, and the words for what it lets do, may change without changing what is given. */
export function makeGrant({ content, ...grant }: GrantParts): Grant {
  const { id, kind, who, from = '', until = '' } = grant
  const sha256 = sha256Hex(encodeCanonical({ id, kind, who, from, until, content }))
  return { ...grant, id: shorten(grant.id), sha256 }
}

export function shorten(id: string): string {
  const whole = id.toWellFormed()
  return whole.length <= maxId ? whole : `${whole.slice(0, 200)}…${sha256Hex(whole).slice(0, 32)}`
}

/** The same twice is once; two grants that are called the same are counted, in the order in which they stand. */
export function named(grants: readonly Grant[]): readonly Grant[] {
  const seen = new Map<string, number>()
  const distinct = new Map(grants.map((grant) => [grant.sha256, grant]))
  return [...distinct.values()].map((grant) => {
    const count = (seen.get(grant.id) ?? 0) + 1
    seen.set(grant.id, count)
    return count === 1 ? grant : { ...grant, id: `${grant.id} (${count})` }
  })
}
