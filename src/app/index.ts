// Every role is imported when it is called: a command pays for what it uses, and `verify` never loads the builder.

export type { ApproveOptions, ApproveReport } from './approve.ts'
export type { DoctorOptions, DoctorReport, DoctorRow } from './doctor.ts'
export type { HomeItem } from './init/files.ts'
export type { InitOptions, InitReport } from './init/init.ts'
export type { Assertion } from './inspect/assertion.ts'
export type { Inspected, InspectOptions, InspectReport, Signature } from './inspect/inspect.ts'

/** Looks at the machine: what builds and decisions need, what is there, what to do. Changes nothing. */
export const doctorReport: typeof import('./doctor.ts').doctorReport = async (options) =>
  (await import('./doctor.ts')).doctorReport(options)

/** Makes a home folder, or completes one; never overwrites. */
export const initHome: typeof import('./init/init.ts').initHome = async (options) =>
  (await import('./init/init.ts')).initHome(options)

/** Signs an approval of an artifact for one environment, and puts it beside the artifact. */
export const approveArtifact: typeof import('./approve.ts').approveArtifact = async (options) =>
  (await import('./approve.ts')).approveArtifact(options)

/** Says what each signature on an artifact claims and by whom. Decides nothing. */
export const inspect: typeof import('./inspect/inspect.ts').inspect = async (options) =>
  (await import('./inspect/inspect.ts')).inspect(options)
