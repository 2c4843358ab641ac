import type { Problem } from '#error'
import type { DeploymentRequest, RuleVerdict } from '#policy'
import type { Fact } from '#trust'

/** One attestation as it was found: bytes and their digest. Nothing about it has been verified. */
export interface EvidenceItem {
  /** Lower-case hex sha256 of `bytes`. */
  readonly digest: string
  /** Where it was found, as a person would name it. */
  readonly source: string
  /** Exactly one attestation: a Sigstore bundle, a DSSE envelope or a JWT. */
  readonly bytes: Uint8Array
}

/** One place where evidence was looked for. `absent`: looked, and nothing is there. `unavailable`: could not look. */
export interface EvidenceSource {
  readonly name: string
  readonly outcome: 'found' | 'absent' | 'unavailable'
  /** Why it is unavailable, in words. */
  readonly detail?: string
}

/** Everything that was found, and everywhere that was looked. */
export interface Evidence {
  readonly items: readonly EvidenceItem[]
  readonly sources: readonly EvidenceSource[]
  /** How many more were found and are not in `items`, because they were too many. Then nothing passes. */
  readonly leftOut?: number
  /** Simple Signing signatures, each in one document: items like all others. */
  readonly signatures?: readonly EvidenceItem[]
  /**
   * Bytes of OCI indexes: that the artifact is, or that list it. Whatever else was said about them is not looked at:
   * their digest is computed, and what they list is read from them.
   */
  readonly related?: readonly RelatedIndex[]
}

/** An OCI index that may have to do with the artifact. */
export interface RelatedIndex {
  readonly index: Uint8Array
}

/** A file that was an input, by the digest of its bytes. */
export interface InputFile {
  readonly file: string
  readonly digest: string
}

/** What became of one piece of evidence. */
export interface EvidenceResult {
  readonly digest: string
  readonly source: string
  /** Authentic, said by a signer who may say it, and about this artifact. */
  readonly verified: boolean
  /** What it is about, when it is not the artifact itself: the index that lists it, or an image that it lists. */
  readonly about?: string
  readonly predicateType?: string
  readonly signers?: readonly string[]
  readonly problem?: Problem
}

/** What one rule of the policy says about this artifact. */
export interface RuleResult {
  /** Where the rule stands in the policy, such as `require[0].built`. */
  readonly id: string
  readonly rule: string
  readonly verdict: RuleVerdict
  /** Why it need not hold, until when, and what it would be otherwise; present when it is EXEMPTED. */
  readonly exemption?: {
    readonly reason: string
    readonly owner: string
    readonly expires: string
    readonly instead: RuleVerdict
  }
  /** Why it is not PASS; empty when it is. */
  readonly problems: readonly Problem[]
  /** Digests of the attestations that the verdict rests on. */
  readonly evidence: readonly string[]
  readonly facts: readonly Fact[]
  /** When a PASS stops being one, if nothing changes but the time (RFC 3339). */
  readonly staleAt?: string
  /** The link of the chain that does not hold: `artifact → provenance`, `provenance → source`, … */
  readonly hop?: string
}

/** DENY: evidence says no. UNDETERMINED: could not tell. POLICY_ERROR: nobody said what should be asked. */
export type Verdict = 'ALLOW' | 'DENY' | 'UNDETERMINED' | 'POLICY_ERROR'

/** What follows from the verdict under the policy's `mode`, `whenUnavailable` and `breakglass`. */
export type Effect =
  'admitted' | 'blocked' | 'admitted-audit' | 'admitted-unavailable' | 'admitted-breakglass'

/** One grant that was among the evidence. */
export interface GrantResult {
  /** Of the attestation; it is among `inputs.evidence`. */
  readonly digest: string
  readonly source: string
  /** What it says; absent when it could not be believed or read. */
  readonly requester?: string
  /** Owners of the keys of approvers who have signed it. */
  readonly approvers?: readonly string[]
  readonly environment?: string
  readonly service?: string
  readonly rules?: readonly string[]
  readonly reason?: string
  readonly incident?: string
  readonly notBefore?: string
  readonly expires?: string
  /** Why it does not count; empty when it does. */
  readonly problems: readonly Problem[]
}

/** What became of the grants among the evidence. */
export interface BreakglassResult {
  /** Who may grant, and which file says so; absent where nobody may. */
  readonly terms?: {
    readonly from: 'policy' | 'trust'
    readonly approvers: readonly string[]
    readonly count: number
    readonly maxDuration: string
  }
  /** What a grant has to waive: ids of rules; `policy` where no policy can be asked; `exemptions` where all are exempted. */
  readonly wanted: readonly string[]
  readonly grants: readonly GrantResult[]
  /** Present when the artifact is let in by them, and by nothing else. */
  readonly used?: {
    /** Who granted it. */
    readonly approvers: readonly string[]
    /** Until when (RFC 3339). */
    readonly until: string
    /** Digests of the grants that counted. */
    readonly grants: readonly string[]
  }
}

/** What became of whoever asks, where the policy names who may deploy. */
export interface DeployerResult {
  /** Who has proven to be asking; missing where nobody has. */
  readonly principal?: string
  readonly authorised: boolean
  /** What is true of the artifact alone, whoever asks. */
  readonly otherwise: Verdict
}

/** The answer for one artifact and one target, a function of recorded inputs alone. JSON-safe. */
export interface Decision {
  readonly apiVersion: 'sallyport.dev/v1'
  readonly kind: 'Decision'
  /** The time the decision is about (RFC 3339, UTC). */
  readonly time: string
  readonly engine: { readonly name: 'sallyport'; readonly version: string }
  readonly request: DeploymentRequest
  readonly policy: {
    readonly name: string
    readonly file: string
    readonly digest: string
    readonly mode: 'enforce' | 'audit'
  } | null
  readonly inputs: {
    /** `roots`: the trusted roots of Sigstore instances that the trust file names, if any. */
    readonly trust: InputFile & { readonly roots?: readonly InputFile[] }
    readonly policies: readonly InputFile[]
    readonly evidence: readonly { readonly digest: string; readonly source: string }[]
    /** Digests of the indexes that were there. */
    readonly indexes?: readonly string[]
    /** How many more records were found, too many to be looked at. */
    readonly evidenceLeftOut?: number
    readonly sources: readonly EvidenceSource[]
  }
  readonly evidence: readonly EvidenceResult[]
  readonly rules: readonly RuleResult[]
  readonly verdict: Verdict
  readonly effect: Effect
  /** Every reason why the verdict is not ALLOW, what to fix first coming first. */
  readonly reasons: readonly Problem[]
  /** When an ALLOW stops being one, if nothing changes but the time (RFC 3339). */
  readonly validUntil?: string
  /** Present where the policy says who may deploy. */
  readonly deployer?: DeployerResult
  /** Present when there were grants among the evidence. */
  readonly breakglass?: BreakglassResult
}
