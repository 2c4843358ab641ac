import { readFile, stat } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { encodeBundle, splitAttestations } from '#attestation'
import { quote, SallyportError } from '#error'
import type { BlobStore } from '#materials'
import { placeCopy, removeFile, replaceFile } from './files.ts'
import type { Shelved } from './shelf.ts'

/** An artifact where it was asked for, with its evidence beside it. */
export interface Artifact {
  readonly name: string
  readonly path: string
  readonly sha256: string
  readonly sha512: string
  /** `PATH.sigstore.jsonl` */
  readonly bundlePath: string
  /** `PATH.build-record.json`; absent when nobody has recorded the build. */
  readonly recordPath?: string
}

/** Where artifacts go, and what is kept beside each. */
export interface PublishOptions {
  readonly folder: string
  readonly record: Uint8Array | undefined
}

/**
 * Puts the artifacts of a signed build into a folder, and beside each its bundle as a line of `ARTIFACT.sigstore.jsonl`.
 * Other attestations in that file, such as approvals, stay while the artifact is the same.
 */
export async function publish(
  { bundle, statement }: Shelved,
  { folder, record }: PublishOptions,
  blobs: BlobStore,
): Promise<readonly Artifact[]> {
  const line = encodeBundle(bundle)
  const artifacts: Artifact[] = []
  for (const { name = '', digest } of statement.subject) {
    const { sha256 = '', sha512 = '' } = digest ?? {}
    if (!/^[A-Za-z0-9._@+-]+$/.test(name)) throw badName(name)
    const path = join(folder, name)
    const bundlePath = `${path}.sigstore.jsonl`
    const isSame = (await hashOf(path)) === sha256
    if (!isSame) await placeCopy(blobs.path(sha256), path)
    const others = isSame ? await otherLines(bundlePath, line) : []
    if ((await hashOf(path)) !== sha256) throw damaged(name, sha256)
    await replaceFile(bundlePath, Buffer.concat([...others, line].flatMap((one) => [one, newline])))
    const recordPath = await placeRecord(`${path}.build-record.json`, record)
    artifacts.push({ name, path, sha256, sha512, bundlePath, ...recordPath })
  }
  return artifacts
}

/** One of an earlier build would speak of other provenance. */
async function placeRecord(
  recordPath: string,
  record: Uint8Array | undefined,
): Promise<{ readonly recordPath?: string }> {
  if (record === undefined) {
    await removeFile(recordPath)
    return {}
  }
  await replaceFile(recordPath, record)
  return { recordPath }
}

const newline = Buffer.from('\n')

/** A file that is not what it should be has nothing that is worth keeping. */
async function otherLines(path: string, line: Uint8Array): Promise<Uint8Array[]> {
  const bytes = (await isFile(path)) ? await readFile(path).catch(() => undefined) : undefined
  if (bytes === undefined) return []
  try {
    return splitAttestations(bytes).filter((other) => !Buffer.from(line).equals(other))
  } catch (cause) {
    if (cause instanceof SallyportError) return []
    throw cause
  }
}

/** Undefined where no file is that can be read. */
async function hashOf(path: string): Promise<string | undefined> {
  if (!(await isFile(path))) return undefined
  const hash = createHash('sha256')
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) hash.update(chunk)
  } catch {
    // What stands there is replaced, or what replaces it is told to be damaged.
    return undefined
  }
  return hash.digest('hex')
}

/** Whatever else lies there, such as a pipe, is never waited for. */
async function isFile(path: string): Promise<boolean> {
  return await stat(path).then(
    (info) => info.isFile(),
    () => false,
  )
}

function badName(name: string): SallyportError {
  return new SallyportError({
    code: 'BUILD_OUTPUT',
    where: 'subject',
    expected: 'a plain file name',
    found: quote(name),
    fix: 'Rename the output in the recipe',
  })
}

function damaged(name: string, sha256: string): SallyportError {
  return new SallyportError({
    code: 'BUILD_STORE',
    where: quote(name),
    expected: `sha256 ${sha256}`,
    found: 'other bytes in the blob store',
    fix: 'Build again with --no-reuse, and look at the disk of this machine',
  })
}
