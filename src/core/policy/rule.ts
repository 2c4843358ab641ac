import type { DigestSet, ResourceDescriptor, Statement } from '#attestation'
import type { Problem, ProblemCode } from '#error'
import type { Fact, Signer, Trust, Verified, VerifiedSigner } from '#trust'
import type { z } from 'zod'
import type { ArtifactPattern } from './artifact-name.ts'
import type { DeploymentRequest } from './request.ts'
import type { ThreatId } from './threats.ts'
import type { RuleVerdict } from './verdict.ts'

/** What every rule says: whose word counts. */
export interface RuleParameters {
  readonly by: readonly string[]
}

/**
 * One kind of rule. A rule is one file in `rules/`: it MUST judge nothing but what its context gives, and MUST NOT
 * say PASS unless something that a named signer said is the reason.
 */
export interface Rule<P extends RuleParameters = RuleParameters> {
  readonly name: string
  /** The parameters as a policy writes them; unknown fields are refused. */
  readonly schema: z.ZodType<P>
  /** The threats that the rule answers, of the list in `threats.ts`: at least one. */
  readonly threats: readonly ThreatId[]
  /** What would happen without the rule, in a sentence. */
  readonly threat: string
  /** What the rule cannot do: shown wherever the threat is (THR-06). */
  readonly cannot: string
  /** What a fix changes: `artifact` makes other bytes, which makes every signature over the old ones useless. */
  readonly fixes: 'artifact' | 'evidence'
  /** The statements the rule asks for: a named signer must be allowed to make one of them. */
  readonly predicateTypes: (parameters: P) => readonly string[]
  /** Finds what is wrong with the parameters alone, when the policy is read. */
  readonly faults?: (parameters: P, place: Place) => readonly Problem[]
  /** Finds what can never be satisfied, before anything is deployed. */
  readonly check?: (parameters: P, signers: readonly Signer[], place: Place) => readonly Problem[]
  readonly evaluate: (parameters: P, context: RuleContext) => Outcome
}

/** Where a rule stands. */
export interface Place {
  /** `require[0].built` */
  readonly id: string
  /** `policies/prod.yaml:8:5 require[0].built`, or of one of its fields: the place of a problem. */
  readonly at: (field?: string) => string
  /** `policies/prod.yaml:8:5` alone: the place that a fix names. */
  readonly line: (field?: string) => string
}

/** What a rule judges by. */
export interface RuleContext {
  readonly request: DeploymentRequest
  readonly now: Date
  readonly trust: Trust
  readonly place: Place
  /** Finds what the named signers say, of one kind: about the artifact, or about something that a chain leads to. */
  readonly search: <T>(kind: EvidenceKind<T>, by: readonly string[], about?: Link) => Search<T>
  /** Whom the policy believes about how artifacts are built: they lead from the artifact to its source. */
  readonly builders: readonly string[]
  /** What may run at this target, by the names that signers give; missing means any. */
  readonly artifacts?: readonly ArtifactPattern[]
}

/** Something that verified evidence about the artifact names, such as the commit that was built. */
export interface Link {
  /** In words: `commit 0123…`. */
  readonly name: string
  /** One of these digests must be the same, and none another. */
  readonly digest: DigestSet
  /** How it was reached: `artifact → provenance → commit`. */
  readonly hop: string
}

/** One kind of statement and how it is read. */
export interface EvidenceKind<T> {
  /** In words, as in "no … was found": `provenance`. */
  readonly name: string
  /** The code of the problem that there is none. */
  readonly missing: ProblemCode
  /** The types that a trust file would name for it. */
  readonly predicateTypes: ReadonlySet<string>
  /** Whether a type is of this kind, where versions that were not known yet are read too; default: one of the above. */
  readonly isOf?: (predicateType: string) => boolean
  /**
   * Reads the facts from a statement. Undefined: it is well-formed, and says nothing of this kind.
   *
   * @throws SallyportError when it is not well-formed
   */
  readonly read: (statement: Statement, subjects: readonly ResourceDescriptor[]) => T | undefined
  /** How to get one, for the reader of a refusal: begins with a verb. */
  readonly obtain: (request: DeploymentRequest, by: readonly string[]) => string
}

/** A verified statement about the artifact by a named signer. */
export interface Testimony<T> {
  readonly verified: Verified<Statement>
  /** Those of its signers whom the rule names. */
  readonly signers: readonly VerifiedSigner[]
  readonly said: T
}

export interface Search<T> {
  /** Everything found that counts, in a fixed order. */
  readonly found: readonly Testimony<T>[]
  /** Why nothing was found, when nothing was. */
  readonly nothing?: Outcome
}

/** What a rule says. */
export interface Outcome {
  readonly verdict: RuleVerdict
  readonly problems: readonly Problem[]
  /** Digests of the attestations that it rests on. */
  readonly evidence: readonly string[]
  readonly facts: readonly Fact[]
  /** When a PASS stops being one, if nothing changes but the time. */
  readonly staleAt?: Date
  /** The link of the chain that does not hold, such as `artifact → provenance`. */
  readonly hop?: string
}
