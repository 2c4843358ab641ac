import { parseJson, sha256Hex, type JsonObject } from '#document'
import { quote, SallyportError, type ProblemCode } from '#error'
import { z } from 'zod'

/** An OCI image index or Docker manifest list, read from bytes with this digest. */
export interface OciIndex {
  /** Lower-case hex sha256 of the bytes. */
  readonly digest: string
  /** Everything that it lists, each digest once. */
  readonly listed: readonly Listed[]
}

/** What an index says about one manifest. */
export interface Listed {
  readonly digest: string
  readonly size: number
  /** `image`: what a runtime may choose. `attestation`: BuildKit's, which no runtime chooses. `index`: another index. */
  readonly kind: 'image' | 'attestation' | 'index' | 'other'
  /** `linux/arm/v7`; several, where one manifest is listed for several. */
  readonly platforms: readonly string[]
}

const indexTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
] as const
const imageTypes: readonly string[] = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
]

const maxBytes = 4 * 1024 * 1024
const name = z.string().max(512)
const descriptor = z.object({
  mediaType: name,
  digest: name,
  size: z.int().min(0),
  annotations: z.record(z.string(), z.string()).optional(),
  platform: z.object({ os: name, architecture: name, variant: name.optional() }).optional(),
})
const schema = z.object({
  schemaVersion: z.literal(2),
  mediaType: z.enum(indexTypes).optional(),
  manifests: z.array(descriptor).max(1000),
})

/** Fields of other kinds of manifests: who has them could be read as something else (CVE-2021-41190). */
const foreign = ['config', 'layers', 'blobs', 'fsLayers', 'history'] as const

/**
 * Reads an index strictly: what one reader takes for an index and another for an image is neither, and a digest that is
 * described in two ways is described in none.
 *
 * @throws SallyportError INDEX_MALFORMED, INDEX_AMBIGUOUS
 */
export function readIndex(bytes: Uint8Array): OciIndex {
  const digest = sha256Hex(bytes)
  const value = parse(bytes, digest)
  const strange = foreign.find((field) => Object.hasOwn(value, field))
  if (strange !== undefined) {
    throw refuse('INDEX_MALFORMED', digest, 'an index', `one with ${strange}, as an image has`)
  }
  const shape = schema.safeParse(value)
  if (!shape.success) {
    const [issue] = shape.error.issues
    const found = `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`
    throw refuse('INDEX_MALFORMED', digest, 'an OCI index or a Docker manifest list', quote(found))
  }
  const listed = new Map<string, Listed>()
  for (const part of shape.data.manifests) {
    const one = readListed(part, digest)
    const known = listed.get(one.digest)
    listed.set(one.digest, known === undefined ? one : merge(known, one, digest))
  }
  return { digest, listed: [...listed.values()] }
}

/** `linux/amd64 sha256:0123456789ab…`, for messages. */
export function showListed({ platforms, digest }: Listed): string {
  return [...platforms, `sha256:${digest.slice(0, 12)}…`].join(' ')
}

const unreadable = { expected: 'JSON', found: 'something else' } as const

function parse(bytes: Uint8Array, digest: string): JsonObject {
  try {
    const value = parseJson(bytes, { what: 'the index', maxBytes })
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return value as JsonObject
    }
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error
    const [{ expected, found } = unreadable] = error.problems
    throw refuse('INDEX_MALFORMED', digest, expected, found)
  }
  throw refuse('INDEX_MALFORMED', digest, 'a JSON object', 'something else')
}

function readListed(part: z.output<typeof descriptor>, index: string): Listed {
  const [, digest] = /^sha256:([0-9a-f]{64})$/.exec(part.digest) ?? []
  if (digest === undefined) {
    throw refuse('INDEX_MALFORMED', index, 'descriptors with sha256 digests', quote(part.digest))
  }
  const { platform } = part
  const shown =
    platform && [platform.os, platform.architecture, platform.variant].filter(Boolean).join('/')
  return {
    digest,
    size: part.size,
    kind: kindOf(part),
    platforms: shown === undefined ? [] : [quote(shown, 60).slice(1, -1)],
  }
}

/**
 * What BuildKit attaches says so in two ways, and only both together keep a runtime from choosing it: an annotation alone
 * would let an index hide an image that runs.
 */
function kindOf({ mediaType, annotations, platform }: z.output<typeof descriptor>): Listed['kind'] {
  if (indexTypes.some((type) => type === mediaType)) return 'index'
  if (!imageTypes.includes(mediaType)) return 'other'
  const isMarked = annotations?.['vnd.docker.reference.type'] === 'attestation-manifest'
  const isNowhere = platform?.os === 'unknown' && platform.architecture === 'unknown'
  return isMarked && isNowhere ? 'attestation' : 'image'
}

function merge(one: Listed, other: Listed, index: string): Listed {
  if (one.size === other.size && one.kind === other.kind) {
    return { ...one, platforms: [...one.platforms, ...other.platforms].slice(0, 8) }
  }
  const show = ({ kind, size }: Listed): string => `${kind} of ${size} bytes`
  const found = `sha256:${one.digest.slice(0, 12)}… as ${show(one)} and as ${show(other)}`
  throw refuse('INDEX_AMBIGUOUS', index, 'each manifest described in one way', found)
}

export function refuse(
  code: ProblemCode,
  index: string,
  expected: string,
  found: string,
): SallyportError {
  const fix = 'Push the index again with the tool that built it, and have that signed'
  return new SallyportError({ code, where: `index sha256:${index}`, expected, found, fix })
}
