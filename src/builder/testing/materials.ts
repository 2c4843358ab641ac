import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { sha256Hex } from '#document'
import {
  createTar,
  encodeMaterialsLock,
  lockSchemaId,
  type BlobStore,
  type MaterialsLock,
  type NpmEntry,
  type TreeEntry,
} from '#materials'
import { platform, recipe, type Files } from './home.ts'

export interface Package {
  readonly name: string
  readonly files: Readonly<Record<string, string>>
  readonly bin?: Readonly<Record<string, string>>
}

/** Makes an npm tarball and keeps it in the store, as if it had been fetched. */
export async function published(
  { name, files, bin }: Package,
  blobs: BlobStore,
): Promise<NpmEntry> {
  const manifest = JSON.stringify({ name, version: '1.0.0', ...(bin === undefined ? {} : { bin }) })
  const all = { ...files, 'package.json': manifest }
  const entries = Object.entries(all).map(([path, text]): TreeEntry => {
    const bytes = Buffer.from(text)
    return {
      kind: 'file',
      path: `package/${path}`,
      mode: 0o644,
      size: bytes.length,
      content: () => [bytes],
    }
  })
  const chunks: Uint8Array[] = []
  for await (const chunk of createTar(entries, { mtime: 0, what: name })) chunks.push(chunk)
  const bytes = gzipSync(Buffer.concat(chunks))
  const { sha256, size } = await blobs.put(bytes)
  const sha512 = createHash('sha512').update(bytes).digest('base64')
  return {
    type: 'npm',
    id: `npm:${name}@1.0.0`,
    name,
    version: '1.0.0',
    purl: `pkg:npm/${name}@1.0.0`,
    sha256,
    size,
    integrity: `sha512-${sha512}`,
    roles: ['toolchain'],
  }
}

/** A source with one tool, which its step runs, and two dependencies in a package-lock. */
export async function sourceWithMaterials(
  blobs: BlobStore,
  change: (lock: MaterialsLock) => MaterialsLock = (lock) => lock,
): Promise<{ readonly files: Files; readonly lock: MaterialsLock }> {
  const tool = await published(
    {
      name: 'greeter',
      bin: { greet: 'greet.sh' },
      files: { 'greet.sh': '#!/bin/sh\necho hello "$@" > thing.txt\n' },
    },
    blobs,
  )
  const leaf = await published({ name: 'leaf', files: { 'index.js': 'leaf' } }, blobs)
  const twig = await published({ name: 'twig', files: { 'index.js': 'twig' } }, blobs)
  const locked = ({ integrity }: NpmEntry) => ({ version: '1.0.0', integrity })
  const native = JSON.stringify({
    name: 'thing',
    version: '2.3.4',
    lockfileVersion: 3,
    packages: {
      '': { name: 'thing', version: '2.3.4', dependencies: { leaf: '1.0.0', twig: '1.0.0' } },
      'node_modules/leaf': locked(leaf),
      'node_modules/twig': locked(twig),
    },
  })
  const dependency = (entry: NpmEntry): NpmEntry => ({
    ...entry,
    roles: ['dependency'],
    derivedFrom: { lock: 'package-lock.json', pointer: `/packages/node_modules~1${entry.name}` },
  })
  const lock = change({
    schema: lockSchemaId,
    generator: 'sallyport/0.1.0',
    platform: platform(),
    nativeLocks: [{ path: 'package-lock.json', sha256: sha256Hex(native) }],
    entries: [tool, dependency(leaf), dependency(twig)],
  })
  const step = {
    id: 'build',
    run: [['greet', '${parameters.whom}']],
    npm: true,
    outputs: [{ path: 'thing.txt', type: 'file' }],
  }
  const files = {
    'package.json': JSON.stringify({ name: 'thing', version: '2.3.4' }),
    'package-lock.json': native,
    'sallyport.lock.json': encodeMaterialsLock(lock),
    'sallyport.build.json': recipe({
      toolchains: [{ material: tool.id, at: '/tool/greeter' }],
      parameters: { whom: { enum: ['world', 'you'], default: 'world' } },
      steps: [step],
    }),
  }
  return { files, lock }
}
