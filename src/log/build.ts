import { z } from 'zod'
import { entryForm } from './entry-form.ts'
import type { Log, Receipt } from './log.ts'

const text = z.string().min(1).max(2000)
const index = z.int().min(0)
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, '64 lower-case hexadecimal characters')
const build = z
  .string()
  .regex(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'the id of a build, a UUID')
const head = {
  apiVersion: z.literal('sallyport.dev/v1'),
  /** The same in every entry of one build. */
  build,
  /** RFC 3339, UTC. */
  time: text,
  engine: z.strictObject({ name: text, version: text }),
}

/** Who asked: `requester` as they or their pipeline call themselves, `principal` as it was proven and how, such as `os:jo`. */
export const buildTriggerSchema = z.strictObject({
  requester: text,
  principal: text.exactOptional(),
})

const source = z.strictObject({ uri: text, commit: text, ref: text.exactOptional() })
const named = z.strictObject({ name: text, sha256 })

/** What is known of provenance without having it: of the attestation as it lies in a file, and of what was signed in it. */
export const provenanceDigestsSchema = z.strictObject({
  sha256,
  statement: sha256,
  builderId: text,
  keyid: text,
})

export const buildArtifactsSchema = z.array(named).min(1).max(100)

const begunSchema = z.strictObject({
  ...head,
  kind: z.literal('BuildBegun'),
  trigger: buildTriggerSchema,
  /** As it was asked for, before anything was looked at. */
  request: z.strictObject({
    repository: text,
    revision: text,
    ref: text.exactOptional(),
    recipe: text,
    parameters: z.record(z.string().max(64), z.string().max(200)),
    root: z.enum(['auto', 'pinned', 'measured']),
    reuse: z.boolean(),
  }),
})

/** What would be built, and from what. */
const definition = {
  source,
  buildType: text,
  externalParameters: z.record(z.string().max(100), z.json()),
  /** Of the build definition, a body: it lists every input. */
  definition: sha256,
}

const definedSchema = z.strictObject({
  ...head,
  kind: z.literal('BuildDefined'),
  begun: index,
  ...definition,
  /** What decides about the build: source, recipe, lock, system root. */
  inputs: z.array(named).min(1).max(16),
  /** Of all inputs, those above among them. */
  inputCount: index,
})

const endedWellSchema = z.strictObject({
  ...head,
  kind: z.literal('BuildEnded'),
  begun: index,
  outcome: z.enum(['built', 'reused']),
  artifacts: buildArtifactsSchema,
  provenance: provenanceDigestsSchema,
  /** Where somebody else keeps a record of it, when that is asked for; a code when it could not be had. */
  record: z
    .union([
      z.strictObject({ origin: text, index }),
      z.strictObject({ origin: text, missing: z.array(text).min(1).max(20) }),
    ])
    .exactOptional(),
})

const failedSchema = z.strictObject({
  ...head,
  kind: z.literal('BuildEnded'),
  begun: index,
  outcome: z.literal('failed'),
  /** The codes of the problems. */
  problems: z.array(text).min(1).max(20),
})

const endedSchema = z.discriminatedUnion('outcome', [endedWellSchema, failedSchema])

/** Somebody has asked for a build. Recorded before anything is fetched. */
export type BuildBegun = z.infer<typeof begunSchema>
/** What will be built is settled, by digest. Recorded before the first command runs. */
export type BuildDefined = z.infer<typeof definedSchema>
/** How a build has ended. Recorded before its artifacts are put where they were asked for. */
export type BuildEnded = z.infer<typeof endedSchema>
/** One of the entries that a build leaves in the log. None of them is ever decided again. */
export type BuildEntry = BuildBegun | BuildDefined | BuildEnded

/** How they are written and read. */
export const buildForm = entryForm<BuildEntry>({
  BuildBegun: begunSchema,
  BuildDefined: definedSchema,
  BuildEnded: endedSchema,
})

/** Records what happens to a build. When it resolves, it is durable. */
export async function recordBuild(
  log: Pick<Log, 'append'>,
  entry: BuildEntry,
): Promise<Receipt & { readonly entry: Uint8Array }> {
  const bytes = buildForm.encode(entry, 'the build')
  return { ...(await log.append(bytes)), entry: bytes }
}
