import { parseJson, type Json } from '#document'
import { z } from 'zod'

/** A pointer to content by its digest; other algorithms than sha256 are left out before this. */
export interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
  readonly artifactType?: string
  readonly annotations: Readonly<Record<string, string>>
  /** `linux/amd64`, where the descriptor says so. */
  readonly platform?: string
}

/** What an OCI or Docker manifest says, as far as it matters to evidence. */
export type Manifest =
  | { readonly kind: 'index'; readonly manifests: readonly Descriptor[] }
  | {
      readonly kind: 'manifest'
      readonly artifactType?: string
      readonly subject?: string
      readonly layers: readonly Descriptor[]
    }

/** A manifest with the bytes that its digest was compared with. */
export interface FetchedManifest {
  readonly digest: string
  readonly bytes: Uint8Array
  /** Missing when the bytes are the right ones, and no manifest. */
  readonly manifest?: Manifest
}

export const manifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.oci.artifact.manifest.v1+json',
] as const

const name = z.string().max(512)
const digest = z.string().max(256)
const descriptor = z.object({
  mediaType: name,
  digest,
  size: z.number().int().nonnegative(),
  artifactType: name.optional(),
  annotations: z.record(z.string(), z.string()).nullish(),
  platform: z.object({ os: name, architecture: name, variant: name.optional() }).nullish(),
})
const list = z.array(descriptor).max(20_000)
/** As many as the largest list has, each with annotations; whoever may push could write ten times as many. */
export const maxManifestValues = 200_000
const schema = z.object({
  artifactType: name.optional(),
  config: z.object({ mediaType: name }).optional(),
  subject: z.object({ digest }).nullish(),
  manifests: list.nullish(),
  layers: list.nullish(),
  blobs: list.nullish(),
})

/**
 * Reads a manifest by its shape. One that could be an index to one reader and an image to another is neither
 * (CVE-2021-41190), nor is one with a field that only some read. Undefined when it is not a manifest.
 */
export function readManifest(bytes: Uint8Array): Manifest | undefined {
  const parsed = parse(bytes)
  if (parsed === undefined) return undefined
  const { manifests } = parsed
  const layers = parsed.layers ?? parsed.blobs ?? undefined
  if (layers === undefined) {
    return isList(manifests) ? { kind: 'index', manifests: withSha256(manifests) } : undefined
  }
  return isList(manifests) ? undefined : imageOf(parsed, layers)
}

// Of manifests, descriptors and platforms (OCI image-spec v1.1, Docker image manifest version 2).
const fields = [
  'schemaVersion mediaType artifactType config layers blobs manifests subject annotations',
  'digest size urls data platform architecture os os.version os.features variant features',
].flatMap((names) => names.split(' '))
const spellings = new Map(fields.map((field) => [foldCase(field), field]))

/**
 * A field that is spelled in another case than in the spec: clients in Go take it for that field, even beside it, and
 * others do not see it. Annotations may be called as they like.
 */
export function misspelled(value: Json): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  for (const [key, inner] of Object.entries(value)) {
    const isField = !Array.isArray(value)
    if (isField && (spellings.get(foldCase(key)) ?? key) !== key) return key
    const found = isField && key === 'annotations' ? undefined : misspelled(inner)
    if (found !== undefined) return found
  }
  return undefined
}

/** As Go's encoding/json compares names: the long s is an s, and the sign for Kelvin a k. */
function foldCase(text: string): string {
  return text.toUpperCase().toLowerCase()
}

type Parsed = z.output<typeof schema>
type Parts = readonly z.output<typeof descriptor>[]

function parse(bytes: Uint8Array): Parsed | undefined {
  try {
    const value = parseJson(bytes, { what: 'manifest', maxValues: maxManifestValues })
    return misspelled(value) === undefined ? schema.parse(value) : undefined
  } catch {
    // Whoever may push may push anything: that it is no manifest is an answer, not a failure.
    return undefined
  }
}

function imageOf({ artifactType, config, subject }: Parsed, layers: Parts): Manifest {
  const type = artifactType ?? config?.mediaType
  return {
    kind: 'manifest',
    layers: withSha256(layers),
    ...(type === undefined ? {} : { artifactType: type }),
    ...(subject === undefined || subject === null ? {} : { subject: subject.digest }),
  }
}

function isList(parts: Parts | null | undefined): parts is Parts {
  return parts !== undefined && parts !== null
}

function withSha256(found: Parts): readonly Descriptor[] {
  return found
    .filter((one) => /^sha256:[0-9a-f]{64}$/.test(one.digest))
    .map(({ mediaType, digest, size, artifactType, annotations, platform }) => ({
      mediaType,
      digest: digest.slice('sha256:'.length),
      size,
      annotations: annotations ?? {},
      ...(artifactType === undefined ? {} : { artifactType }),
      ...(platform === undefined || platform === null ? {} : { platform: platformOf(platform) }),
    }))
}

function platformOf({
  os,
  architecture,
  variant,
}: {
  os: string
  architecture: string
  variant?: string | undefined
}): string {
  return [os, architecture, ...(variant === undefined ? [] : [variant])].join('/')
}
