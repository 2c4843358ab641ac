import { randomUUID } from 'node:crypto'
import {
  bundleOf,
  encodeBundle,
  type BuildDefinition,
  type Envelope,
  type Statement,
} from '#attestation'
import { sha256Hex, type Json } from '#document'
import { quote, SallyportError, type Problem } from '#error'
import type { Storage } from '#materials'
import { builderIds } from '#signer'
import { defineBuild, type Gathered } from './definition/define.ts'
import { executeDefinition, type ExecutionPorts } from './execute/execute.ts'
import type { Execution, StepRecord } from './execute/records.ts'
import { gather, type GatherOptions } from './gather.ts'
import { readManifest } from './manifest.ts'
import { writeProvenance } from './provenance/statement.ts'
import { publish, type Artifact } from './publish.ts'
import { parseBuildRequest } from './request.ts'
import { definitionBytes, Shelf, type Shelved } from './shelf.ts'

/** Signs with the key of the builder id; the key is in another process. */
export interface BuilderSigner {
  /** Of the key that would sign, to know whether an earlier build is still good. */
  keyidOf(builderId: string): Promise<string>
  sign(builderId: string, statement: Statement): Promise<Envelope>
}

/** Is told of a build before anything comes of it, and waited for. What it throws ends the build, and nothing is put out. */
export interface BuildRecorder {
  /** Everything is fetched and settled; nothing of the source has run. `bytes` are those that have the definition's digest. */
  defined(definition: BuildDefinition, bytes: Uint8Array): Promise<void>
  /** It is signed, or has been before; nobody has it yet. What it gives is kept beside each artifact. */
  signed(build: SignedBuild): Promise<Uint8Array | undefined>
}

/** A build that has been signed, now or earlier. */
export interface SignedBuild {
  readonly builderId: string
  readonly keyid: string
  readonly statement: Statement
  /** The attestation, as it will lie beside the artifacts. */
  readonly attestation: Uint8Array
  readonly reused: boolean
}

export interface BuildPorts extends Storage, Omit<ExecutionPorts, keyof Storage | 'variation'> {
  /** Where finished and failed builds are recorded. */
  readonly builds: string
  readonly signer: BuilderSigner
  /** Left out: nobody is told. */
  readonly recorder?: BuildRecorder
  readonly now: () => Date
}

export interface BuildOptions extends GatherOptions {
  /** As it came; `BuildRequest` says what it may hold. */
  readonly request: Json
  /** What kind of builder this is; a workstation never builds as the hosted one. */
  readonly mode: 'workstation' | 'hosted'
  /** Where the artifacts go, each with its bundle beside it. */
  readonly output: string
  /** Whether the result of the very same build may be used again; default true. */
  readonly reuse?: boolean
  /** Versions of what builds: `sallyport`, `node`. */
  readonly version: Readonly<Record<string, string>>
}

export interface BuildResult {
  readonly builderId: string
  /** Of everything that was decided before the first step ran. */
  readonly definition: string
  readonly statement: Statement
  readonly artifacts: readonly Artifact[]
  /** The result of an earlier, identical build. */
  readonly reused: boolean
  /** Of the steps that ran; empty when nothing had to. */
  readonly steps: readonly StepRecord[]
  /** What a reviewer should look at in the commands; no reason to refuse. */
  readonly findings: readonly Problem[]
}

/**
 * Builds what a commit's recipe says: fetches and checks everything, writes the definition, drives the workers from it,
 * observes, hashes, signs, and puts artifact and bundle where they were asked for. A build that fails leaves a record of
 * the failure and no provenance.
 *
 * @throws SallyportError with the reason; BUILD_STEP_FAILED and the like after the failure has been recorded
 */
export async function build(options: BuildOptions, ports: BuildPorts): Promise<BuildResult> {
  const builderId = builderIdOf(options)
  const request = parseBuildRequest(options.request)
  const gathered = await gather(request, options, ports)
  const definition = defineBuild(gathered)
  const bytes = definitionBytes(definition)
  await ports.recorder?.defined(definition, bytes)
  const digest = sha256Hex(bytes)
  const shelf = new Shelf(ports.builds, ports.blobs)
  const keyid = await ports.signer.keyidOf(builderId)
  const known = options.reuse === false ? undefined : await shelf.find(digest, keyid)
  const common = { builderId, keyid, definition: digest, findings: gathered.findings }
  if (known !== undefined) return finish({ ...common, steps: [] }, known, options, ports)
  const made = await make({ definition, gathered, builderId, shelf }, options, ports)
  const bundle = bundleOf(made.envelope, keyid)
  await shelf.keep(digest, bundle)
  const shelved = { bundle, statement: made.statement }
  return finish({ ...common, steps: made.steps }, shelved, options, ports)
}

interface Making {
  readonly definition: BuildDefinition
  readonly gathered: Gathered
  readonly builderId: string
  readonly shelf: Shelf
}

async function make(
  { definition, gathered, builderId, shelf }: Making,
  options: BuildOptions,
  ports: BuildPorts,
): Promise<{
  readonly statement: Statement
  readonly envelope: Envelope
  readonly steps: readonly StepRecord[]
}> {
  const invocationId = `urn:uuid:${randomUUID()}`
  const startedOn = ports.now().toISOString()
  const recordFailure = (steps: readonly StepRecord[], error: SallyportError): Promise<string> => {
    const finishedOn = ports.now().toISOString()
    const { problems } = error
    const run = { invocationId, builderId, startedOn, finishedOn }
    return shelf.keepFailure({ ...run, definition, steps, problems })
  }
  const execution = await orFailure(executeDefinition(definition, ports), (error) =>
    recordFailure([], error),
  )
  if (execution.kind === 'failed') {
    const [first, ...also] = execution.problems
    const error = new SallyportError(first, { also })
    await recordFailure(execution.steps, error)
    throw error
  }
  const metadata = { invocationId, startedOn, finishedOn: ports.now().toISOString() }
  const version = await versionOf(gathered)
  const statement = await writeProvenance(
    {
      definition,
      execution,
      builder: { id: builderId, version: options.version },
      metadata,
      package: gathered.recipe.package,
      ...(version === undefined ? {} : { version }),
    },
    ports.blobs,
  )
  const envelope = await ports.signer.sign(builderId, statement)
  return { statement, envelope, steps: execution.steps }
}

async function orFailure(
  execution: Promise<Execution>,
  record: (error: SallyportError) => Promise<string>,
): Promise<Execution> {
  try {
    return await execution
  } catch (cause) {
    if (cause instanceof SallyportError) await record(cause)
    throw cause
  }
}

type Finished = Pick<BuildResult, 'builderId' | 'definition' | 'findings' | 'steps'> & {
  readonly keyid: string
}

async function finish(
  { keyid, ...result }: Finished,
  shelved: Shelved,
  options: BuildOptions,
  ports: BuildPorts,
): Promise<BuildResult> {
  const { builderId, steps } = result
  const { statement, bundle } = shelved
  const reused = steps.length === 0
  const attestation = encodeBundle(bundle)
  // Recorded before answered: who records may refuse, and then there is nothing to be found.
  const record = await ports.recorder?.signed({ builderId, keyid, statement, attestation, reused })
  const artifacts = await publish(shelved, { folder: options.output, record }, ports.blobs)
  return { ...result, statement, artifacts, reused }
}

/** The id is decided by mode and root alone; nothing in a request, a recipe or an environment has a say. */
function builderIdOf({ mode, root }: BuildOptions): string {
  if (mode === 'workstation')
    return root.kind === 'pinned' ? builderIds.workstationPinned : builderIds.workstationMeasured
  throw new SallyportError({
    code: 'BUILD_BUILDER_ID',
    where: 'mode',
    expected: `"workstation", which builds as ${quote(builderIds.workstationPinned)} or ${quote(builderIds.workstationMeasured)}`,
    found: `${quote(mode)}, which would have to be ${quote(builderIds.hosted)}`,
    fix: 'Build as a workstation; the hosted builder, whose signer and workers belong to other users, is not offered yet',
  })
}

/** The product's version, for packages whose ecosystem writes it into the source. */
async function versionOf({ source, recipe }: Gathered): Promise<string | undefined> {
  if (!recipe.package.startsWith('pkg:npm/')) return undefined
  return (await readManifest(source)).version
}
