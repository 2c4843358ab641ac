import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { sha256Hex } from '#document'
import { imageType, pusherTo, type Pushed } from '../../src/evidence/testing/push.ts'

export interface RealImage extends Pushed {
  /** Digests of its blobs: the configuration, and its one layer. */
  readonly config: string
  readonly layer: string
}

/** Pushes an image that podman stores: one layer with one file, and a configuration that fits. */
export async function pushImage(
  base: string,
  repository: string,
  { content, tag = '' }: { readonly content: string; readonly tag?: string },
): Promise<RealImage> {
  const tar = layerOf(content)
  const layer = gzipSync(tar)
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: { Cmd: ['/content'] },
      rootfs: { type: 'layers', diff_ids: [`sha256:${sha256Hex(tar)}`] },
    }),
  )
  for (const blob of [layer, config]) await pushBlob(base, repository, blob)
  const pointer = (mediaType: string, bytes: Uint8Array) => ({
    mediaType,
    digest: `sha256:${sha256Hex(bytes)}`,
    size: bytes.length,
  })
  const manifest = {
    schemaVersion: 2,
    mediaType: imageType,
    config: pointer('application/vnd.oci.image.config.v1+json', config),
    layers: [pointer('application/vnd.oci.image.layer.v1.tar+gzip', layer)],
  }
  const bytes = Buffer.from(JSON.stringify(manifest))
  const pushed = await pusherTo(base, repository).manifest(tag, bytes, imageType)
  return { ...pushed, config: sha256Hex(config), layer: sha256Hex(layer) }
}

function layerOf(content: string): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-layer-'))
  try {
    writeFileSync(join(folder, 'content'), content)
    return execFileSync('tar', ['-C', folder, '--sort=name', '--mtime=@0', '-cf', '-', 'content'], {
      maxBuffer: 1 << 28,
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function pushBlob(base: string, repository: string, bytes: Uint8Array): Promise<void> {
  const opened = await fetch(`${base}/v2/${repository}/blobs/uploads/`, { method: 'POST' })
  const location = new URL(opened.headers.get('location') ?? '', base)
  location.searchParams.set('digest', `sha256:${sha256Hex(bytes)}`)
  const response = await fetch(location, { method: 'PUT', body: Buffer.from(bytes) })
  if (response.status !== 201) throw new Error(`${location.href}: ${response.status}`)
}
