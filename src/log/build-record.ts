import { z } from 'zod'
import { buildArtifactsSchema, buildTriggerSchema, provenanceDigestsSchema } from './build.ts'
import { entryForm } from './entry-form.ts'
import type { Log, Receipt } from './log.ts'

const text = z.string().min(1).max(2000)
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, '64 lower-case hexadecimal characters')
const place = z.strictObject({ index: z.int().min(0), sha256 })

/** What a builder tells somebody else of a build that it has signed. */
export const recordedBuildSchema = z.strictObject({
  build: z
    .string()
    .regex(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'the id of a build, a UUID'),
  /** The log of the builder, and which of its entries tell of the build: each by its place and the SHA-256 of its bytes. */
  log: z.strictObject({ origin: text, begun: place, defined: place }),
  trigger: buildTriggerSchema,
  source: z.strictObject({ uri: text, commit: text, ref: text.exactOptional() }),
  definition: sha256,
  outcome: z.enum(['built', 'reused']),
  artifacts: buildArtifactsSchema,
  provenance: provenanceDigestsSchema,
})

const recordSchema = z.strictObject({
  apiVersion: z.literal('sallyport.dev/v1'),
  kind: z.literal('BuildRecord'),
  /** When it was recorded, by the clock of who records; RFC 3339, UTC. */
  time: text,
  engine: z.strictObject({ name: text, version: text }),
  /** The builder, as it has proven itself to who records. */
  requester: text,
  principal: text.exactOptional(),
  recorded: recordedBuildSchema,
})

/** What a builder says of a build. */
export type RecordedBuild = z.infer<typeof recordedBuildSchema>
/** The same in the log of somebody else, out of reach of the builder. */
export type BuildRecord = z.infer<typeof recordSchema>

/** How that is written and read. */
export const buildRecordForm = entryForm<BuildRecord>({ BuildRecord: recordSchema })

/** Records a build of somebody else. When it resolves, it is durable. */
export async function recordForeignBuild(
  log: Pick<Log, 'append'>,
  record: BuildRecord,
): Promise<Receipt & { readonly entry: Uint8Array }> {
  const bytes = buildRecordForm.encode(record, 'the record of a build')
  return { ...(await log.append(bytes)), entry: bytes }
}
