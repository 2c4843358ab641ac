import { randomUUID } from 'node:crypto'
import { parseBundle, type BuildDefinition, type ResourceDescriptor } from '#attestation'
import type { BuildRecorder, SignedBuild } from '#builder'
import { engine } from '#decision'
import { sha256Hex } from '#document'
import { SallyportError } from '#error'
import { recordBuild, type BuildBegun, type BuildEnded, type RecordedBuild } from '#log'
import type { Gate } from '../gate.ts'
import type { BuildTrigger } from './trigger.ts'

type Outcome = Extract<BuildEnded, { readonly outcome: 'built' | 'reused' }>

/** What somebody else keeps of a build: their log, and what is kept here of theirs. */
export interface Elsewhere {
  readonly record: NonNullable<Outcome['record']>
  /** What proves it; absent when it could not be had. */
  readonly kept?: Uint8Array
}

export interface BuildLogOptions {
  readonly gate: Pick<Gate, 'log' | 'bodies'>
  /** The name of this log. */
  readonly origin: string
  readonly trigger: BuildTrigger
  readonly request: BuildBegun['request']
  readonly now: () => Date
  /** Has it recorded elsewhere, too. What it throws ends the build. */
  readonly elsewhere?: (build: RecordedBuild) => Promise<Elsewhere>
}

/** The entries of one build in the log. Each is durable before what it tells of goes on. */
export interface BuildLog {
  readonly recorder: BuildRecorder
  /** Where somebody else keeps a record, as it ended. */
  readonly record: Outcome['record'] | undefined
  /** Records that it failed, unless it has ended already; gives the error to throw. */
  readonly failed: (error: unknown) => Promise<unknown>
}

/** Records that a build begins. */
export async function beginBuild(options: BuildLogOptions): Promise<BuildLog> {
  const { gate, trigger, request } = options
  const build = randomUUID()
  const head = () => headOf(build, options)
  const begun = await recordBuild(gate.log, { ...head(), kind: 'BuildBegun', trigger, request })
  const places: Places = { build, begun: placeOf(begun) }
  let record: Outcome['record'] | undefined
  let ended = false
  const end = async (how: Ending): Promise<void> => {
    ended = true
    await recordBuild(gate.log, { ...head(), kind: 'BuildEnded', begun: begun.index, ...how })
  }
  return {
    get record() {
      return record
    },
    recorder: {
      defined: async (definition, bytes) => {
        const told = tellDefinition(definition, await gate.bodies.put(bytes))
        const entry = { ...head(), kind: 'BuildDefined', begun: begun.index, ...told } as const
        places.defined = { ...placeOf(await recordBuild(gate.log, entry)), ...told }
      },
      signed: async (signed) => {
        const told = tellSigned(signed)
        const elsewhere = await options.elsewhere?.(recordedOf(places, told, options))
        record = elsewhere?.record
        await end({ ...told, ...(record === undefined ? {} : { record }) })
        return elsewhere?.kept
      },
    },
    failed: async (error) => {
      if (ended) return error
      try {
        await end({ outcome: 'failed', problems: codesOf(error) })
        return error
      } catch (cause) {
        return withProblems(error, cause)
      }
    },
  }
}

type Ending =
  | Pick<Outcome, 'outcome' | 'artifacts' | 'provenance' | 'record'>
  | { readonly outcome: 'failed'; readonly problems: string[] }

interface Places {
  readonly build: string
  readonly begun: RecordedBuild['log']['begun']
  defined?: RecordedBuild['log']['begun'] & ReturnType<typeof tellDefinition>
}

function headOf(build: string, { now }: BuildLogOptions) {
  return { apiVersion: 'sallyport.dev/v1', build, time: now().toISOString(), engine } as const
}

function placeOf({ index, entry }: { readonly index: number; readonly entry: Uint8Array }) {
  return { index, sha256: sha256Hex(entry) }
}

/** What decides about a build has a name in its definition; all other inputs are in the body that has the digest. */
const telling = new Set(['source', 'recipe', 'lock', 'root'])

function tellDefinition(definition: BuildDefinition, digest: string) {
  const { buildType, externalParameters, resolvedDependencies } = definition
  const [first] = resolvedDependencies
  return {
    source: sourceOf(first ?? {}),
    buildType,
    externalParameters: externalParameters as Record<string, never>,
    definition: digest,
    inputs: resolvedDependencies
      .filter(({ name = '' }) => telling.has(name))
      .map(({ name = '', digest: digests }) => ({ name, sha256: digests?.['sha256'] ?? '' })),
    inputCount: resolvedDependencies.length,
  }
}

/** The builder writes the source first, as `ADDRESS@REF`. */
function sourceOf({ uri = '', digest }: ResourceDescriptor): RecordedBuild['source'] {
  const at = uri.lastIndexOf('@refs/')
  const commit = digest?.['gitCommit'] ?? ''
  return at < 0 ? { uri, commit } : { uri: uri.slice(0, at), commit, ref: uri.slice(at + 1) }
}

function tellSigned({ attestation, statement, builderId, keyid, reused }: SignedBuild) {
  return {
    outcome: reused ? ('reused' as const) : ('built' as const),
    artifacts: statement.subject.map(({ name = '', digest }) => ({
      name,
      sha256: digest?.['sha256'] ?? '',
    })),
    provenance: { ...digestsOf(attestation), builderId, keyid },
  }
}

/** Of an attestation as it lies in a file, and of what was signed in it. */
export function digestsOf(attestation: Uint8Array) {
  const { content } = parseBundle(attestation)
  const signed = content.kind === 'dsseEnvelope' ? content.envelope.payload : new Uint8Array()
  return { sha256: sha256Hex(attestation), statement: sha256Hex(signed) }
}

function recordedOf(
  { build, begun, defined }: Places,
  told: ReturnType<typeof tellSigned>,
  { origin, trigger }: BuildLogOptions,
): RecordedBuild {
  if (defined === undefined) throw new TypeError('a build is defined before it is signed')
  const { index, sha256, source, definition } = defined
  return {
    build,
    log: { origin, begun, defined: { index, sha256 } },
    trigger,
    source,
    definition,
    ...told,
  }
}

function codesOf(error: unknown): string[] {
  if (!(error instanceof SallyportError)) return ['INTERNAL']
  return [...new Set(error.problems.map(({ code }) => code))].slice(0, 20)
}

/** That its end could not be recorded is told beside why it ended. */
function withProblems(error: unknown, cause: unknown): unknown {
  if (!(error instanceof SallyportError) || !(cause instanceof SallyportError)) return error
  const [first, ...also] = error.problems
  if (first === undefined) return error
  return new SallyportError(first, { cause, also: [...also, ...cause.problems] })
}
