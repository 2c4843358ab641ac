import { join } from 'node:path'
import type { Statement } from '#attestation'
import {
  build,
  checkOutput,
  defaultRecipePath,
  type Artifact,
  type BuildPorts,
  type BuildResult,
  type RootOptions,
  type StepEvent,
  type StepRecord,
} from '#builder'
import type { Config, RootChoice } from '#config'
import { engine } from '#decision'
import { SallyportError, type Problem } from '#error'
import type { BuildBegun } from '#log'
import type { Progress } from '#materials'
import { canonicalUri, fetchCommit, type SourceSnapshot } from '#source'
import { openFileBlobs } from '#store'
import { runStep } from '#worker'
import { inspectCheckout } from '../checkout.ts'
import { openGate, startGateSigner } from '../gate.ts'
import type { TokenPlace } from '../pipeline/token.ts'
import { beginBuild, type BuildLog } from './build-log.ts'
import { recorderElsewhere } from './elsewhere.ts'
import { readLocked, type Locked } from './locked.ts'
import { openSigners } from './signers.ts'
import { StepOutput } from './step-output.ts'
import { triggerOf } from './trigger.ts'

/** What happens while an artifact is built, for whoever watches. */
export type BuildEvent =
  | {
      readonly kind: 'source'
      readonly source: BuildReport['source']
      readonly locked: Locked | undefined
    }
  | { readonly kind: 'material'; readonly progress: Progress }
  | { readonly kind: 'root-material'; readonly progress: Progress }
  /** The pinned root cannot be had, and the configuration allows the measured one instead. */
  | { readonly kind: 'root-measured'; readonly because: Problem }
  | StepEvent

export interface BuildArtifactOptions {
  readonly config: Config
  /** A folder of a checkout, or a repository's address; default is the checkout around `cwd`. */
  readonly repository?: string
  readonly cwd: string
  readonly revision: string
  readonly ref?: string
  readonly recipe?: string
  readonly parameters: Readonly<Record<string, string>>
  /** Default: a folder of the home, named after the commit. */
  readonly output?: string
  readonly root?: RootChoice
  readonly reuse?: boolean
  /** Where a pipeline says on whose behalf it runs. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** An OpenID Connect token of who asks; without one it is the user of this machine. */
  readonly identity?: TokenPlace
  readonly now: () => Date
  readonly onEvent?: (event: BuildEvent) => void
}

export interface BuildReport {
  readonly source: { readonly uri: string; readonly commit: string; readonly ref?: string }
  /** How many files of the checkout differ from its last commit, when that was built: they are not in it. */
  readonly changed?: number
  readonly builderId: string
  readonly artifacts: readonly Artifact[]
  readonly root: {
    readonly kind: 'pinned' | 'measured'
    readonly packages: number
    /** Why it is not the pinned one, when that was wanted. */
    readonly because?: Problem
  }
  /** Every input that was mounted, as the provenance lists them. */
  readonly inputs: number
  /** The result of an earlier, identical build. */
  readonly reused: boolean
  readonly steps: readonly StepRecord[]
  readonly statement: Statement
  /** Where somebody else keeps a record of it, or why nobody does; absent when that is not asked for. */
  readonly record?: NonNullable<BuildLog['record']>
}

/**
 * Builds one commit in the sandbox, and leaves artifact and signed provenance in the output folder. Who asked for what is in
 * the log before anything is fetched, what will be built before the first command runs, and how it ended before anybody can
 * find what came of it.
 */
export async function buildArtifact(options: BuildArtifactOptions): Promise<BuildReport> {
  await checkOutput(options.output ?? options.config.build.folder)
  if (options.repository !== undefined) return await buildLogged(options, options.repository)
  const checkout = await inspectCheckout(options.cwd, options.config.home)
  if (options.revision !== 'HEAD') return await buildLogged(options, checkout.top)
  const { commit, ref = options.ref, changed } = checkout
  const head = { ...options, revision: commit, ...(ref === undefined ? {} : { ref }) }
  return { ...(await buildLogged(head, checkout.top)), changed }
}

async function buildLogged(
  options: BuildArtifactOptions,
  repository: string,
): Promise<BuildReport> {
  const { config, env = {}, identity, now } = options
  const starting = startGateSigner(config)
  starting.catch(() => undefined)
  try {
    const who = { config, env, now, ...(identity === undefined ? {} : { identity }) }
    const trigger = await triggerOf(who)
    const request = requestOf(options, repository)
    const elsewhere = await recorderElsewhere(config)
    await using gate = await openGate(config, starting)
    const { origin } = config.log
    const also = elsewhere === undefined ? {} : { elsewhere }
    const logged = await beginBuild({ gate, origin, trigger, request, now, ...also })
    try {
      const report = await buildRepository(options, repository, logged)
      const { record } = logged
      return record === undefined ? report : { ...report, record }
    } catch (error) {
      throw await logged.failed(error)
    }
  } catch (error) {
    await starting.then((signer) => signer?.close()).catch(() => undefined)
    throw error
  }
}

/** As it was asked for; an address without what may be a password in it. */
function requestOf(options: BuildArtifactOptions, repository: string): BuildBegun['request'] {
  const { revision, ref, recipe, parameters, config, reuse = true } = options
  return {
    repository: canonicalUri(repository),
    revision,
    ...(ref === undefined ? {} : { ref }),
    recipe: recipe ?? defaultRecipePath,
    parameters: { ...parameters },
    root: options.root ?? config.build.root,
    reuse,
  }
}

async function buildRepository(
  options: BuildArtifactOptions,
  repository: string,
  logged: BuildLog,
): Promise<BuildReport> {
  const { config, onEvent } = options
  const storage = { blobs: openFileBlobs(config.build.blobs), workspace: config.build.work }
  const source = await fetchCommit({
    repository,
    revision: options.revision,
    ...(options.ref === undefined ? {} : { refs: [options.ref] }),
    ...storage,
  })
  const locked = await readLocked(source, options.recipe ?? defaultRecipePath)
  onEvent?.({ kind: 'source', source: sourceOf(source, options), locked })
  await using signer = openSigners(config)
  const output = new StepOutput()
  const ports: BuildPorts = {
    ...storage,
    runStep,
    signer,
    recorder: logged.recorder,
    builds: config.build.folder,
    now: options.now,
    onEvent: (event) => {
      output.on(event)
      onEvent?.(event)
    },
  }
  try {
    const { result, because } = await buildOnRoot(options, source, ports)
    return reportOf(result, sourceOf(source, options), because)
  } catch (error) {
    throw await output.explain(error, config.build.folder)
  }
}

/** The ref that was asked for was seen to contain the commit. */
function sourceOf(
  { uri, commit, ref: named }: SourceSnapshot,
  options: BuildArtifactOptions,
): BuildReport['source'] {
  const ref = options.ref ?? named
  return { uri, commit, ...(ref === undefined ? {} : { ref }) }
}

type Built = { readonly result: BuildResult; readonly because?: Problem }

/** A pinned root where it can be had. Falling back to a measured one is said, and written into the builder id. */
async function buildOnRoot(
  options: BuildArtifactOptions,
  source: SourceSnapshot,
  ports: BuildPorts,
): Promise<Built> {
  const choice = options.root ?? options.config.build.root
  if (choice === 'measured') return { result: await buildOn('measured', options, source, ports) }
  try {
    return { result: await buildOn('pinned', options, source, ports) }
  } catch (error) {
    if (choice === 'pinned' || !(error instanceof SallyportError)) throw error
    if (!unavailable.has(error.code)) throw error
    const [because] = error.problems
    if (because === undefined) throw error
    options.onEvent?.({ kind: 'root-measured', because })
    return { result: await buildOn('measured', options, source, ports), because }
  }
}

/** That packages cannot be had is no attack; that an archive is not signed, or a package altered, may be one. */
const unavailable: ReadonlySet<string> = new Set([
  'PINNED_ROOT_UNAVAILABLE',
  'LOCK_ROOT',
  'ROOT_ARCHIVE_UNREACHABLE',
  'ROOT_NOT_DEBIAN',
])

function buildOn(
  kind: RootOptions['kind'],
  options: BuildArtifactOptions,
  source: SourceSnapshot,
  ports: BuildPorts,
): Promise<BuildResult> {
  const { config, onEvent, reuse, recipe, parameters } = options
  const ref = options.ref ?? source.ref
  const root: RootOptions =
    kind === 'measured'
      ? { kind }
      : { kind, onProgress: (progress) => onEvent?.({ kind: 'root-material', progress }) }
  return build(
    {
      request: {
        repository: source.uri,
        revision: source.commit,
        ...(ref === undefined ? {} : { ref }),
        ...(recipe === undefined ? {} : { recipePath: recipe }),
        parameters,
      },
      mode: 'workstation',
      root,
      fetched: source,
      materials: { onProgress: (progress) => onEvent?.({ kind: 'material', progress }) },
      output: options.output ?? join(config.build.folder, source.commit.slice(0, 12)),
      ...(reuse === undefined ? {} : { reuse }),
      version: { sallyport: engine.version, node: process.versions.node },
    },
    ports,
  )
}

function reportOf(
  result: BuildResult,
  source: BuildReport['source'],
  because: Problem | undefined,
): BuildReport {
  const { builderId, artifacts, reused, steps, statement } = result
  const { resolvedDependencies } = (
    statement.predicate as unknown as {
      buildDefinition: { resolvedDependencies: readonly { name?: string }[] }
    }
  ).buildDefinition
  const packages = resolvedDependencies.filter(({ name }) => name?.startsWith('deb:') === true)
  return {
    source,
    builderId,
    artifacts,
    root: {
      kind: builderId.includes('pinned') ? 'pinned' : 'measured',
      packages: packages.length,
      ...(because === undefined ? {} : { because }),
    },
    inputs: resolvedDependencies.length,
    reused,
    steps,
    statement,
  }
}
