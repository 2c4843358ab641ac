import { sha256Hex } from '#document'

export interface Layer {
  readonly mediaType: string
  readonly bytes: Uint8Array
  readonly annotations?: Readonly<Record<string, string>>
}

export interface Pushed {
  readonly digest: string
  readonly bytes: Uint8Array
  readonly mediaType: string
}

export const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json'
export const dsseType = 'application/vnd.dsse.envelope.v1+json'
export const imageType = 'application/vnd.oci.image.manifest.v1+json'
export const indexType = 'application/vnd.oci.image.index.v1+json'

/** Pushes to any registry that follows the distribution-spec, as anybody. */
export interface Pusher {
  /** An artifact of its own: `content` is its only layer. */
  image(content: string, tag?: string): Promise<Pushed>
  index(images: readonly Pushed[], tag?: string): Promise<Pushed>
  /** Layers under a tag, as cosign pushes `.att` and `.sig`. */
  layers(tag: string, layers: readonly Layer[]): Promise<Pushed>
  /** A manifest that names its subject. */
  referrer(subject: Pushed, artifactType: string, layers: readonly Layer[]): Promise<Pushed>
  /** The tag that stands for the referrers API. */
  fallback(subject: Pushed, referrers: readonly Pushed[]): Promise<Pushed>
  manifest(reference: string, bytes: Uint8Array, mediaType: string): Promise<Pushed>
}

export function pusherTo(base: string, repository: string): Pusher {
  const manifest = async (
    reference: string,
    bytes: Uint8Array,
    mediaType: string,
  ): Promise<Pushed> => {
    const digest = sha256Hex(bytes)
    const name = reference === '' ? `sha256:${digest}` : reference
    const url = `${base}/v2/${repository}/manifests/${name}`
    await put(url, bytes, mediaType)
    return { digest, bytes, mediaType }
  }
  const write = (tag: string, json: object, mediaType: string): Promise<Pushed> =>
    manifest(tag, Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...json })), mediaType)
  const describe = async ({ mediaType, bytes, annotations }: Layer) => {
    await pushBlob(base, repository, bytes)
    const size = bytes.length
    const digest = `sha256:${sha256Hex(bytes)}`
    return { mediaType, digest, size, ...(annotations === undefined ? {} : { annotations }) }
  }
  const image = async (layers: readonly Layer[], tag: string, more: object): Promise<Pushed> => {
    const config = await describe({
      mediaType: 'application/vnd.oci.image.config.v1+json',
      bytes: Buffer.from('{}'),
    })
    return write(
      tag,
      { config, layers: await Promise.all(layers.map(describe)), ...more },
      imageType,
    )
  }
  return {
    manifest,
    image: (content, tag = '') =>
      image(
        [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', bytes: Buffer.from(content) }],
        tag,
        {},
      ),
    index: (images, tag = '') =>
      write(
        tag,
        {
          manifests: images.map((one, at) => ({
            ...pointerTo(one),
            platform: { os: 'linux', architecture: at === 0 ? 'amd64' : 'arm64' },
          })),
        },
        indexType,
      ),
    layers: (tag, layers) => image(layers, tag, {}),
    referrer: (subject, artifactType, layers) =>
      image(layers, '', { artifactType, subject: pointerTo(subject) }),
    fallback: (subject, referrers) =>
      write(`sha256-${subject.digest}`, { manifests: referrers.map(pointerTo) }, indexType),
  }
}

function pointerTo({ digest, bytes, mediaType }: Pushed) {
  return { mediaType, digest: `sha256:${digest}`, size: bytes.length }
}

async function pushBlob(base: string, repository: string, bytes: Uint8Array): Promise<void> {
  const opened = await fetch(`${base}/v2/${repository}/blobs/uploads/`, { method: 'POST' })
  const location = new URL(opened.headers.get('location') ?? '', base)
  location.searchParams.set('digest', `sha256:${sha256Hex(bytes)}`)
  await put(location.href, bytes, 'application/octet-stream')
}

async function put(url: string, bytes: Uint8Array, type: string): Promise<void> {
  const response = await fetch(url, {
    method: 'PUT',
    body: Buffer.from(bytes),
    headers: { 'content-type': type },
  })
  if (response.status !== 201) {
    throw new Error(`PUT ${url}: ${response.status} ${await response.text()}`)
  }
}
