import type { Decision } from '#decision'
import type { AdmissionPorts, AdmissionRequest, AdmissionSettings, ProxyPorts } from '#chokepoint'
import type { Ask, DecisionList, TargetList } from '#api'
import type { Problem } from '#error'

/** What the routes need of the gate. The app makes it. */
export interface GateService {
  /** Settings of the Kubernetes webhook; undefined where there is none. */
  readonly admission: (() => AdmissionSettings) | undefined
  /** What answers admission, when there are `ms` milliseconds until the answer must be there. */
  admissionPorts(deadline: { readonly ms: number }): AdmissionPorts
  /** What a proxy needs; `chokePoint` is its name in decisions. */
  proxyPorts(chokePoint: string): ProxyPorts
  /** Decides one artifact; resolves when the decision is durable. */
  decide(ask: Ask, requester: string): Promise<Decided>
  decisions(query: { readonly before?: number; readonly limit: number }): Promise<DecisionList>
  /** The receipt of one entry, a `.tlog-proof`. */
  receipt(entry: number): Promise<string>
  targets(): TargetList
  /** A file of the log by its C2SP path; undefined when there is none. */
  logFile(path: string): Promise<Uint8Array | undefined>
  /** What keeps the gate from answering; empty when nothing does. */
  health(): readonly Problem[]
  /** What somebody has to look at while the gate goes on as it was: a push that was not taken into use, for one. */
  warnings?(): readonly Problem[]
}

export interface Decided {
  readonly decision: Decision
  readonly entry?: number
}

export type { AdmissionRequest }
