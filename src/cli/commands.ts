import type { CommandLine } from './command-line.ts'
import type { Outcome } from './outcome.ts'
import type { Session } from './session.ts'

/**
 * Says what is to be done once the command line has been understood.
 *
 * @param otherwise what is true when it fails, for the first line of the message: `nothing was decided`
 */
export type Plan = (otherwise: string, work: (session: Session) => Promise<Outcome>) => void

/** One file per command exports this. */
export interface CommandFile {
  /** Declares arguments, options and action. MUST NOT do the work itself: only what `plan` is given is run. */
  readonly define: (command: CommandLine, plan: Plan) => void
}

export interface CommandEntry {
  readonly name: string
  readonly summary: string
  /** Imported only when this command is asked for: a start costs what the one command needs. */
  readonly load: () => Promise<CommandFile>
}

/** Every command, in the order a newcomer needs them. */
export const commands: readonly CommandEntry[] = [
  {
    name: 'up',
    summary: 'build this repository, let two environments decide about it, and tell the story',
    load: () => import('./commands/up.ts'),
  },
  {
    name: 'init',
    summary: 'create the home folder: keys, trust file, policies, configuration',
    load: () => import('./commands/init.ts'),
  },
  {
    name: 'doctor',
    summary: 'say whether this machine can build and decide, and what it lacks',
    load: () => import('./commands/doctor.ts'),
  },
  {
    name: 'build',
    summary: 'build a commit in the sandbox, and sign what was seen',
    load: () => import('./commands/build.ts'),
  },
  {
    name: 'lock',
    summary: 'renew sallyport.lock.json from the native lock files',
    load: () => import('./commands/lock.ts'),
  },
  {
    name: 'serve',
    summary: 'run the gate: Kubernetes admission, the API and the log over HTTP',
    load: () => import('./commands/serve.ts'),
  },
  {
    name: 'witness',
    summary: 'watch the logs of others: cosign each checkpoint that extends the one before',
    load: () => import('./commands/witness.ts'),
  },
  {
    name: 'probe-bypass',
    summary: 'try the known ways around the gate: into a cluster, to its nodes, past the proxies',
    load: () => import('./commands/probe-bypass.ts'),
  },
  {
    name: 'verify',
    summary: 'decide whether an artifact may run in an environment, and record the decision',
    load: () => import('./commands/verify.ts'),
  },
  {
    name: 'gate',
    summary: 'in a pipeline: decide, and run a command only when everything is allowed',
    load: () => import('./commands/gate.ts'),
  },
  {
    name: 'capture',
    summary: 'write what a decision is made from into a folder, for tests of policies',
    load: () => import('./commands/capture.ts'),
  },
  {
    name: 'approve',
    summary: 'sign an approval of an artifact for an environment',
    load: () => import('./commands/approve.ts'),
  },
  {
    name: 'breakglass',
    summary: 'let one artifact in although a rule says no: request, approve, use, review',
    load: () => import('./commands/breakglass.ts'),
  },
  {
    name: 'access',
    summary: 'say who may do what, who has looked at it, and how the gate is reached',
    load: () => import('./commands/access.ts'),
  },
  {
    name: 'recheck',
    summary: 'list what was let in although evidence could not be had, and decide it again',
    load: () => import('./commands/recheck.ts'),
  },
  {
    name: 'attach',
    summary: 'attach evidence to an image in its registry, so that it travels with it',
    load: () => import('./commands/attach.ts'),
  },
  {
    name: 'inspect',
    summary: 'say what each signature on an artifact claims, and by whom',
    load: () => import('./commands/inspect.ts'),
  },
  {
    name: 'rebuild',
    summary: 'build again from provenance alone, and compare',
    load: () => import('./commands/rebuild.ts'),
  },
  {
    name: 'policy',
    summary: 'check, explain and describe policies before they decide',
    load: () => import('./commands/policy.ts'),
  },
  {
    name: 'rulebook',
    summary: 'sign policies and trust file, and verify that their owners have',
    load: () => import('./commands/rulebook.ts'),
  },
  {
    name: 'layout',
    summary: 'verify a supply chain against its signed in-toto layout',
    load: () => import('./commands/layout.ts'),
  },
  {
    name: 'summary',
    summary: 'sign recorded decisions as verification summaries (VSA, SVR) for others',
    load: () => import('./commands/summary.ts'),
  },
  {
    name: 'log',
    summary: 'verify, show, prove and replay recorded decisions',
    load: () => import('./commands/log.ts'),
  },
]
