import type { Decision } from '#decision'
import type { AdmissionPorts, AdmissionRequest, AdmissionSettings, ProxyPorts } from '#chokepoint'
import type {
  AccessReviewAsk,
  Ask,
  BreakglassAsk,
  BreakglassGrant,
  BreakglassReviewAsk,
  BuildAsk,
  Built,
  DeploymentAsk,
  DecisionList,
  GrantList,
  RecheckList,
  TargetList,
} from '#api'
import type { Problem } from '#error'
import type { SpoolReceipt } from '#log'
import type { Principal } from '../access/principal.ts'

/** What the routes need of the gate. The app makes it. */
export interface GateService {
  /** Settings of the Kubernetes webhook; undefined where there is none. */
  readonly admission: (() => AdmissionSettings) | undefined
  /** What answers admission, when there are `ms` milliseconds until the answer must be there. */
  admissionPorts(deadline: { readonly ms: number }): AdmissionPorts
  /** What a proxy needs; `chokePoint` is its name in decisions. */
  proxyPorts(chokePoint: string): ProxyPorts
  /**
   * Decides one artifact; resolves when the decision is durable. With a deadline of whoever asks there are `ms` milliseconds to look for
   * evidence, and what only an outage would let in is no decision: ADMISSION_TIMEOUT.
   */
  decide(ask: Ask, requester: string, deadline?: { readonly ms: number }): Promise<Decided>
  decisions(query: { readonly before?: number; readonly limit: number }): Promise<DecisionList>
  /** The receipt of one entry as soon as it has come so far, or as far as it is when the time is over. */
  receipt(entry: number, wait?: ReceiptWait): Promise<EntryReceipt>
  targets(): TargetList
  /** Records how a deployment has ended; gives its place in the log. `requester` is whoever is authenticated. */
  deployed?(ask: DeploymentAsk, requester: string): Promise<number>
  /** Records a build of somebody else; gives the entry, and the proof that it is in the log. */
  built?(ask: BuildAsk, requester: string): Promise<Built>
  /** Emergencies; absent where requests and grants are not kept. */
  readonly breakglass?: BreakglassDesk
  /** Who may do what; absent where that is not told. */
  readonly access?: AccessDesk
  /** What was let in because evidence could not be had, and what came of it: at most so many of each. */
  rechecks?(limit: number): RecheckList
  /** A file of the log by its C2SP path; undefined when there is none. */
  logFile(path: string): Promise<Uint8Array | undefined>
  /** What keeps the gate from answering; empty when nothing does. */
  health(): readonly Problem[]
  /** What somebody has to look at while the gate goes on as it was: a push that was not taken into use, for one. */
  warnings?(): readonly Problem[]
}

/** How far an entry has come: into the log, to readers, and past a quorum of witnesses. */
export type ReceiptState = 'sequenced' | 'published' | 'witnessed'

/** The receipt of one entry, by the furthest checkpoint that has it. */
export interface EntryReceipt {
  readonly state: ReceiptState
  /** A `.tlog-proof`; absent while the entry is only sequenced. */
  readonly proof?: string
}

export interface ReceiptWait {
  readonly state: 'published' | 'witnessed'
  readonly ms: number
}

/** Keeps what is asked and granted, and records reviews. It MUST NOT be able to grant anything. */
export interface BreakglassDesk {
  /** `requester` is whoever is authenticated. Gives who may approve it, too, and how many of them it takes. */
  request(
    ask: BreakglassAsk,
    requester: string,
  ): Promise<KeptRequest & { readonly approvers: readonly string[]; readonly count: number }>
  requests(): Promise<readonly KeptRequest[]>
  /** Keeps a grant that an approver has signed, for decisions to find. */
  grant(grant: BreakglassGrant['grant']): Promise<{
    readonly digest: string
    readonly artifact: string
    readonly signers: readonly string[]
  }>
  uses(): Promise<{
    readonly uses: readonly object[]
    readonly rates: readonly object[]
    readonly findings: readonly Problem[]
    readonly pending: number
  }>
  /** Gives the entry of the review in the log; `by` is whoever is authenticated. */
  review(review: BreakglassReviewAsk, by: string): Promise<number>
}

/** Tells who may do what, and records reviews. */
export interface AccessDesk {
  grants(): Promise<GrantList>
  /** Gives the entry of the review in the log; `by` is whoever is authenticated. */
  review(ask: AccessReviewAsk, by: Pick<Principal, 'name' | 'grants'>): Promise<number>
}

export interface KeptRequest {
  readonly id: string
  readonly request: { readonly requestedOn: string }
}

export interface Decided {
  readonly decision: Decision
  readonly entry?: number
  /** Instead of `entry`, while the log is away: where it waits, durable, for its place. */
  readonly spooled?: SpoolReceipt
}

export type { AdmissionRequest }
