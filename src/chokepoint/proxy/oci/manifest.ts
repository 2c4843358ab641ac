import { parseJson, type Json } from '#document'
import { maxManifestValues, misspelled, readManifest } from '#evidence'
import { quote, SallyportError, type Problem } from '#error'
import { z } from 'zod'

/** A manifest that may be handed out once it is allowed. */
export interface ServableManifest {
  /** By what its own bytes say, never by what a registry says about them. */
  readonly mediaType: string
  /** Blobs of an image, manifests of an index. */
  readonly parts: readonly Part[]
  readonly kind: 'image' | 'index'
}

export interface Part {
  readonly sha256: string
  readonly size: number
}

const indexTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
]
const imageTypes = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
]

const options = { what: 'manifest', maxValues: maxManifestValues }
const part = z.object({ digest: z.string().max(256), size: z.int().min(0) })
const schema = z.object({
  mediaType: z.string().max(512).optional(),
  config: part.optional(),
  layers: z.array(part).optional(),
  manifests: z.array(part).optional(),
})

/** Whether somebody has pushed it, whatever it says: what answers in place of a registry has no JSON. */
export function isJson(bytes: Uint8Array): boolean {
  const json = jsonIn(bytes)
  return !(json instanceof SallyportError) || json.code !== 'DOCUMENT_SYNTAX'
}

function jsonIn(bytes: Uint8Array): Json | SallyportError {
  try {
    return parseJson(bytes, options)
  } catch (error) {
    if (error instanceof SallyportError) return error
    throw error
  }
}

type Parsed = z.output<typeof schema>

/**
 * Reads a manifest as every client would read it. One that is an index to one and an image to another (CVE-2021-41190),
 * or that is of no type that clients run, is handed out to nobody.
 */
export function readServable(bytes: Uint8Array, name: string): ServableManifest | Problem {
  const shape = readManifest(bytes)
  const parsed = shape === undefined ? undefined : parse(bytes)
  if (shape === undefined || parsed === undefined) return unreadable(name, other(bytes))
  const kind = shape.kind === 'index' ? 'index' : 'image'
  const types = kind === 'index' ? indexTypes : imageTypes
  const mediaType = parsed.mediaType ?? types[0] ?? ''
  if (!types.includes(mediaType)) {
    return unreadable(name, `an ${kind} that says it is ${quote(mediaType, 100)}`)
  }
  return { kind, mediaType, parts: partsOf(parsed).flatMap(sha256Part) }
}

function other(bytes: Uint8Array): string {
  const json = jsonIn(bytes)
  if (json instanceof SallyportError) {
    const { code, expected, found } = json
    if (code === 'DOCUMENT_SYNTAX') return 'something else'
    return `JSON that nobody reads: expected ${expected}, found ${found}`
  }
  const field = misspelled(json)
  return field === undefined ? 'something else' : `a field in another case: ${quote(field, 60)}`
}

function partsOf({
  config,
  layers = [],
  manifests = [],
}: Parsed): readonly z.output<typeof part>[] {
  return [...(config === undefined ? [] : [config]), ...layers, ...manifests]
}

function parse(bytes: Uint8Array): Parsed | undefined {
  try {
    return schema.parse(parseJson(bytes, options))
  } catch {
    // Whoever may push may push anything: that it is no manifest is an answer, not a failure.
    return undefined
  }
}

// Other algorithms than sha256 are not looked for, so nothing is handed out under them.
function sha256Part({ digest, size }: z.output<typeof part>): readonly Part[] {
  const [, sha256] = /^sha256:([0-9a-f]{64})$/.exec(digest) ?? []
  return sha256 === undefined ? [] : [{ sha256, size }]
}

function unreadable(name: string, found: string): Problem {
  return {
    code: 'PROXY_MANIFEST',
    where: quote(name, 300),
    expected: 'an OCI or Docker image manifest or index (version 2)',
    found,
    fix: 'Push the image again with a current tool, such as docker buildx or skopeo copy',
  }
}
