// Every role is imported when it is called: a command pays for what it uses, and `verify` never loads the builder.

export type { ApproveOptions, ApproveReport } from './approve.ts'
export type { AttachOptions, AttachReport } from './attach.ts'
export type { BuildArtifactOptions, BuildEvent, BuildReport } from './builds/build.ts'
export type { DoctorOptions, DoctorReport, DoctorRow } from './doctor.ts'
export type { RebuildArtifactOptions, RebuildReport } from './rebuild.ts'
export type { NextCommand, StoryLine, StoryReport } from './story/story.ts'
export type { ProbeOptions, ProbeReport } from './probe/probe.ts'
export type { StoryOptions } from './story/tell.ts'
export type { LayoutVerifyOptions, LayoutVerifyReport } from './layout/verify-layout.ts'
export type { LockOptions, LockReport } from './lock.ts'
export type {
  LoggedBuildEntry,
  LoggedBuildRecord,
  LoggedVerdict,
  LoggedDecision,
  LoggedDeployment,
  LoggedEntry,
  LoggedRefusal,
  LoggedReview,
  LoggedAccessReview,
  LogVerifyReport,
  ReplayReport,
} from './log.ts'
export type { PolicyCheckOptions, PolicyCheckReport } from './policy/check.ts'
export type { PolicyExplainOptions } from './policy/explain.ts'
export type { PipelineLintReport } from './policy/lint-pipelines.ts'
export type { SchemaName } from './policy/schema.ts'
export type { VerifyOptions, VerifyReport } from './verify.ts'
export type { Captured, CaptureOptions } from './policy/capture.ts'
export type { PolicyDiffOptions, PolicyDiffReport } from './policy/diff.ts'
export type { FixtureResult, PolicyTestOptions, PolicyTestReport } from './policy/test.ts'
export type { HomeItem } from './init/files.ts'
export type { InitOptions, InitReport } from './init/init.ts'
export type { Assertion } from './inspect/assertion.ts'
export type { Inspected, InspectOptions, InspectReport, Signature } from './inspect/inspect.ts'

/** Looks at the machine: what builds and decisions need, what is there, what to do. Changes nothing. */
export const doctorReport: typeof import('./doctor.ts').doctorReport = async (options) =>
  (await import('./doctor.ts')).doctorReport(options)

/** Tries the known ways around the gate of a Kubernetes cluster, with dry runs only. */
export const probeBypass: typeof import('./probe/probe.ts').probeBypass = async (options) =>
  (await import('./probe/probe.ts')).probeBypass(options)

/** Makes a home folder, or completes one; never overwrites. */
export const initHome: typeof import('./init/init.ts').initHome = async (options) =>
  (await import('./init/init.ts')).initHome(options)

/** Signs an approval of an artifact for one environment, and puts it beside the artifact. */
export const approveArtifact: typeof import('./approve.ts').approveArtifact = async (options) =>
  (await import('./approve.ts')).approveArtifact(options)

/** Attaches the attestations of a file to an image in its registry. */
export const attachEvidence: typeof import('./attach.ts').attachEvidence = async (options) =>
  (await import('./attach.ts')).attachEvidence(options)

/** Says what each signature on an artifact claims and by whom. Decides nothing. */
export const inspect: typeof import('./inspect/inspect.ts').inspect = async (options) =>
  (await import('./inspect/inspect.ts')).inspect(options)

/** Decides whether an artifact may run at a target; the decision is recorded before this resolves. */
export const verifyArtifact: typeof import('./verify.ts').verifyArtifact = async (options) =>
  (await import('./verify.ts')).verifyArtifact(options)

/** Proves the log of a home folder. */
export const logVerify: typeof import('./log.ts').logVerify = async (config, options) =>
  (await import('./log.ts')).logVerify(config, options)

/** The newest recorded decisions. */
export const logShow: typeof import('./log.ts').logShow = async (config, options) =>
  (await import('./log.ts')).logShow(config, options)

/** One recorded decision. */
export const logEntry: typeof import('./log.ts').logEntry = async (config, index) =>
  (await import('./log.ts')).logEntry(config, index)

export type { LoggedBuild } from './builds/list.ts'

/** The newest builds: who asked, from what, and how each ended. */
export const logBuilds: typeof import('./builds/list.ts').logBuilds = async (config, options) =>
  (await import('./builds/list.ts')).logBuilds(config, options)

export type { OlderBuild, RecordComparison } from './builds/compare-record.ts'

/** Holds the builds of this log against what somebody else has recorded of them. */
export const compareRecord: typeof import('./builds/compare-record.ts').compareRecord = async (
  options,
) => (await import('./builds/compare-record.ts')).compareRecord(options)

/** The receipt of one decision, a `.tlog-proof`. */
export const logReceipt: typeof import('./log.ts').logReceipt = async (...given) =>
  (await import('./log.ts')).logReceipt(...given)

/** Decides again what was recorded, from the log and the stored bodies alone. */
export const logReplay: typeof import('./log.ts').logReplay = async (config, options) =>
  (await import('./log.ts')).logReplay(config, options)

/** Builds one commit in the sandbox, and leaves artifact and signed provenance. */
export const buildArtifact: typeof import('./builds/build.ts').buildArtifact = async (options) =>
  (await import('./builds/build.ts')).buildArtifact(options)

/** Renews the materials lock of a working folder. */
export const renewLock: typeof import('./lock.ts').renewLock = async (options) =>
  (await import('./lock.ts')).renewLock(options)

/** Holds a supply chain against its signed in-toto layout. */
export const layoutVerify: typeof import('./layout/verify-layout.ts').layoutVerify = async (
  options,
) => (await import('./layout/verify-layout.ts')).layoutVerify(options)

/** Puts a layout and its links into one predicate. */
export const layoutRecord: typeof import('./layout/record-layout.ts').layoutRecord = async (
  options,
) => (await import('./layout/record-layout.ts')).layoutRecord(options)

/** Builds again from provenance alone, and compares. */
export const rebuildArtifact: typeof import('./rebuild.ts').rebuildArtifact = async (options) =>
  (await import('./rebuild.ts')).rebuildArtifact(options)

/** The whole path on the checkout it is called in: build, decide twice, record, verify. */
export const tellStory: typeof import('./story/tell.ts').tellStory = async (options) =>
  (await import('./story/tell.ts')).tellStory(options)

/** The JSON Schema of one kind of document that people write. */
export const documentSchema = async (
  ...args: Parameters<typeof import('./policy/schema.ts').documentSchema>
) => (await import('./policy/schema.ts')).documentSchema(...args)

/** Writes what decisions are made from into folders that are reviewed and tested. */
export const captureFixtures: typeof import('./policy/capture.ts').captureFixtures = async (
  options,
) => (await import('./policy/capture.ts')).captureFixtures(options)

/** Decides captured fixtures with the policies as they are, and shows that every rule can fail. */
export const testPolicies: typeof import('./policy/test.ts').testPolicies = async (options) =>
  (await import('./policy/test.ts')).testPolicies(options)

/** Says what a change of policies does: in words, and to fixtures or recorded decisions. */
export const diffPolicies: typeof import('./policy/diff.ts').diffPolicies = async (options) =>
  (await import('./policy/diff.ts')).diffPolicies(options)

export type { GateReport } from './pipeline/gate.ts'
export type { GateAnswer, GateOptions, ServerPlace } from './pipeline/options.ts'

/** Decides about what a step of a pipeline would deploy, and runs the step only when all of it is allowed. */
export const gatePipeline: typeof import('./pipeline/gate.ts').gatePipeline = async (options) =>
  (await import('./pipeline/gate.ts')).gatePipeline(options)

export type { RunningGate, ServeOptions } from './serve/serve.ts'

/** Starts the gate: admission, the API and the log over HTTP. */
export const serve: typeof import('./serve/serve.ts').serve = async (options) =>
  (await import('./serve/serve.ts')).serve(options)

/** Checks policies, meta-policies and trust file before anything is deployed. */
export const checkPolicyFiles: typeof import('./policy/check.ts').checkPolicyFiles = async (
  options,
) => (await import('./policy/check.ts')).checkPolicyFiles(options)

export type { RecordVerdictOptions, VerdictReport } from './policy/verdict.ts'

/** What a recorded decision believed, for other policy engines. */
export const exportRecorded: typeof import('./policy/export.ts').exportRecorded = async (...args) =>
  (await import('./policy/export.ts')).exportRecorded(...args)

/** Records what another policy engine has said about an export. */
export const recordVerdict: typeof import('./policy/verdict.ts').recordVerdict = async (options) =>
  (await import('./policy/verdict.ts')).recordVerdict(options)

/** Says in plain words what policies demand. */
export const explainPolicies: typeof import('./policy/explain.ts').explainPolicies = async (
  options,
) => (await import('./policy/explain.ts')).explainPolicies(options)

export type { RulebookKeyReport, SignFileReport } from './rulebook/sign.ts'
export type { RulebookReport } from './rulebook/verify.ts'

/** Makes the key of one owner of a signed rulebook. */
export const makeRulebookKey: typeof import('./rulebook/sign.ts').makeRulebookKey = async (
  ...args
) => (await import('./rulebook/sign.ts')).makeRulebookKey(...args)

/** Adds one owner's signature to those beside a policy or trust file. */
export const signRulebookFile: typeof import('./rulebook/sign.ts').signRulebookFile = async (
  options,
) => (await import('./rulebook/sign.ts')).signRulebookFile(options)

/** Begins to remember which editions of policies and trust file were seen. */
export const beginRulebook: typeof import('./rulebook/verify.ts').beginRulebook = async (...args) =>
  (await import('./rulebook/verify.ts')).beginRulebook(...args)

/** Verifies signatures and editions of policies and trust file, as each decision does. */
export const verifyRulebook: typeof import('./rulebook/verify.ts').verifyRulebook = async (
  ...args
) => (await import('./rulebook/verify.ts')).verifyRulebook(...args)

/** Converts policies of other programs. */
export const importForeignPolicies: typeof import('./policy/import.ts').importForeignPolicies =
  async (options) => (await import('./policy/import.ts')).importForeignPolicies(options)

/** Looks at pipeline files for what makes verification and evidence worthless. */
export const lintPipelines: typeof import('./policy/lint-pipelines.ts').lintPipelines = async (
  options,
) => (await import('./policy/lint-pipelines.ts')).lintPipelines(options)

export type { SummaryOptions, SummaryReport, VerifierKeyReport } from './summary.ts'

/** Signs a recorded decision as a verification summary, for others who need not verify again. */
export const signSummary: typeof import('./summary.ts').signSummary = async (options) =>
  (await import('./summary.ts')).signSummary(options)

/** Makes the key that signs verification summaries. */
export const makeVerifierKey: typeof import('./summary.ts').makeVerifierKey = async (config) =>
  (await import('./summary.ts')).makeVerifierKey(config)

export type { StoryGate, StoryGateOptions } from './story/gate.ts'

/** Starts the gate at the end of the story, with a question to ask it. */
export const startStoryGate: typeof import('./story/gate.ts').startStoryGate = async (options) =>
  (await import('./story/gate.ts')).startStoryGate(options)

export type { ApproverKey, BreakglassKeyReport } from './breakglass/approver-key.ts'
export type { ApproveBreakglassOptions, GrantReport } from './breakglass/approve.ts'
export type { ImportBreakglassOptions, UseBreakglassOptions, UseReport } from './breakglass/use.ts'
export type { BreakglassRequestOptions, BreakglassRequestReport } from './breakglass/request.ts'
export type {
  BreakglassListReport,
  ListedUse,
  ReviewOptions,
  ReviewReport,
} from './breakglass/review.ts'

/** Writes down what would have to be waived, for somebody else to approve. */
export const requestBreakglass: typeof import('./breakglass/request.ts').requestBreakglass = async (
  options,
) => (await import('./breakglass/request.ts')).requestBreakglass(options)

export type {
  AskedRequest,
  AtGate,
  KeptGrant,
  RequestAtGateOptions,
  UsesAtGate,
} from './breakglass/at-gate.ts'

/** The same, at a gate that runs. */
export const requestAtGate: typeof import('./breakglass/at-gate.ts').requestAtGate = async (
  options,
) => (await import('./breakglass/at-gate.ts')).requestAtGate(options)

/** What a gate that runs was asked for. */
export const requestsAtGate: typeof import('./breakglass/at-gate.ts').requestsAtGate = async (at) =>
  (await import('./breakglass/at-gate.ts')).requestsAtGate(at)

/** One of them, in a file that an approver takes. */
export const fetchRequest: typeof import('./breakglass/at-gate.ts').fetchRequest = async (
  options,
) => (await import('./breakglass/at-gate.ts')).fetchRequest(options)

/** A request, as an approver reads it before signing. */
export const openRequest: typeof import('./breakglass/grants.ts').openRequest = async (file) =>
  (await import('./breakglass/grants.ts')).openRequest(file)

/** Every use that is in the log of a gate that runs. */
export const usesAtGate: typeof import('./breakglass/at-gate.ts').usesAtGate = async (at) =>
  (await import('./breakglass/at-gate.ts')).usesAtGate(at)

/** Records at a gate that runs what somebody has found about a use. */
export const reviewAtGate: typeof import('./breakglass/at-gate.ts').reviewAtGate = async (
  ...args
) => (await import('./breakglass/at-gate.ts')).reviewAtGate(...args)

/** Signs what was requested, with the key of this approver. */
export const approveBreakglass: typeof import('./breakglass/approve.ts').approveBreakglass = async (
  options,
) => (await import('./breakglass/approve.ts')).approveBreakglass(options)

/** Puts grants where they are looked for. */
export const useBreakglass: typeof import('./breakglass/use.ts').useBreakglass = async (options) =>
  (await import('./breakglass/use.ts')).useBreakglass(options)

/** Records afterwards what was let in by hand while the gate was down. */
export const importBreakglass: typeof import('./breakglass/use.ts').importBreakglass = async (
  options,
) => (await import('./breakglass/use.ts')).importBreakglass(options)

/** Makes the key of one approver. */
export const makeBreakglassKey: typeof import('./breakglass/approver-key.ts').makeBreakglassKey =
  async (key) => (await import('./breakglass/approver-key.ts')).makeBreakglassKey(key)

/** Every use, what waits for a review, and alarms that nobody has heard. */
export const listBreakglass: typeof import('./breakglass/review.ts').listBreakglass = async (
  ...args
) => (await import('./breakglass/review.ts')).listBreakglass(...args)

/** Records what somebody else has found about a use. */
export const reviewBreakglass: typeof import('./breakglass/review.ts').reviewBreakglass = async (
  options,
) => (await import('./breakglass/review.ts')).reviewBreakglass(options)

export type { AcceptRiskOptions, AcceptRiskReport } from './breakglass/accept.ts'
export type {
  BreakglassStatus,
  BreakglassStatusOptions,
  BreakglassStatusReport,
} from './breakglass/status.ts'

/** Signs that somebody answers for what breakglass let in, for a time. */
export const acceptRisk: typeof import('./breakglass/accept.ts').acceptRisk = async (options) =>
  (await import('./breakglass/accept.ts')).acceptRisk(options)

/** Decides again, with the policies and the evidence of now, what breakglass let in. */
export const breakglassStatus: typeof import('./breakglass/status.ts').breakglassStatus = async (
  options,
) => (await import('./breakglass/status.ts')).breakglassStatus(options)

export type { RecheckItem } from './recheck/list.ts'
export type { RecheckNowReport } from './recheck/offline.ts'
export type { RecheckList } from '#api'

/** What was let in because evidence could not be had, and what came of it, by the log alone. */
export const listRechecks: typeof import('./recheck/offline.ts').listRechecks = async (...args) =>
  (await import('./recheck/offline.ts')).listRechecks(...args)

/** Decides it again, where no gate runs that does so by itself. */
export const recheckNow: typeof import('./recheck/offline.ts').recheckNow = async (...args) =>
  (await import('./recheck/offline.ts')).recheckNow(...args)

export type { WitnessInitOptions, WitnessInitReport } from './witness/init.ts'
export type { RunningWitness, ServeWitnessOptions } from './witness/serve.ts'

/** Makes the home of a witness, or describes the one that is there. */
export const initWitness: typeof import('./witness/init.ts').initWitness = async (options) =>
  (await import('./witness/init.ts')).initWitness(options)

/** Runs a witness over HTTP until it is stopped. */
export const serveWitness: typeof import('./witness/serve.ts').serveWitness = async (options) =>
  (await import('./witness/serve.ts')).serveWitness(options)

export type { AuditOptions, AuditReport } from './bypass/audit.ts'

/** Reads the audit log of the platform, and finds what the log of the gate has not let in. */
export const auditPlatform: typeof import('./bypass/audit.ts').auditPlatform = async (options) =>
  (await import('./bypass/audit.ts')).auditPlatform(options)

export type { AccessOptions, AccessReport, ListedGrant } from './access/report.ts'
export type { ReviewAccessOptions, ReviewAccessReport } from './access/review.ts'

/** Every permission with its last review and its last use. */
export const listAccess: typeof import('./access/report.ts').listAccess = async (options) =>
  (await import('./access/report.ts')).listAccess(options)

/** Records that somebody has looked at grants. */
export const reviewAccess: typeof import('./access/review.ts').reviewAccess = async (options) =>
  (await import('./access/review.ts')).reviewAccess(options)

export type { TokenOptions, TokenReport } from './access/make-token.ts'

/** Makes a bearer token in a file, and says what the gate is told of it. */
export const makeToken: typeof import('./access/make-token.ts').makeToken = async (options) =>
  (await import('./access/make-token.ts')).makeToken(options)

export type { AccessPath } from './access/path.ts'
export type { AccessPathsReport } from './access/paths.ts'

/** Every way into the gate and out of it, with how each side proves who it is. */
export const accessPaths: typeof import('./access/paths.ts').accessPaths = async (config) =>
  (await import('./access/paths.ts')).accessPaths(config)

export type { PointsOptions, PointsReport } from './access/points.ts'

/** Whether each target is reached through declared choke points only. */
export const chokePoints: typeof import('./access/points.ts').chokePoints = async (options) =>
  (await import('./access/points.ts')).chokePoints(options)
