import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { SallyportError } from '#error'
import { readTar } from '#materials'

/** How two files of one name differ. */
export interface Difference {
  readonly sizes: readonly [expected: number, found: number]
  /** The first byte that is not the same, counted from 0. */
  readonly offset: number
  /** Entries that differ, when both are tar archives (compressed or not); the archives alone when this is empty. */
  readonly entries?: readonly EntryDifference[]
  /** There are more of them than are listed. */
  readonly truncated?: boolean
}

export interface EntryDifference {
  readonly path: string
  readonly kind: 'only-expected' | 'only-found' | 'content' | 'metadata'
  readonly expected?: string
  readonly found?: string
}

const maxListed = 50
const limits = { maxEntries: 100_000, maxBytes: 1024 ** 3 }

/** Says how two files differ, without running or unpacking anything; undefined when they are the same. */
export async function compareFiles(
  expected: string,
  found: string,
): Promise<Difference | undefined> {
  const { offset, sizes } = await firstDifference(expected, found)
  if (offset === undefined) return undefined
  const [before, after] = [await listArchive(expected), await listArchive(found)]
  if (before === undefined || after === undefined) return { sizes, offset }
  const entries = [...differencesOf(before, after)]
  return {
    sizes,
    offset,
    entries: entries.slice(0, maxListed),
    ...(entries.length > maxListed ? { truncated: true } : {}),
  }
}

interface Listed {
  readonly metadata: string
  readonly content: string
}

function* differencesOf(
  expected: ReadonlyMap<string, Listed>,
  found: ReadonlyMap<string, Listed>,
): Generator<EntryDifference> {
  for (const [path, before] of expected) {
    const after = found.get(path)
    if (after === undefined) {
      yield { path, kind: 'only-expected' }
      continue
    }
    if (before.content !== after.content)
      yield { path, kind: 'content', expected: before.content, found: after.content }
    if (before.metadata !== after.metadata)
      yield { path, kind: 'metadata', expected: before.metadata, found: after.metadata }
  }
  for (const path of found.keys()) if (!expected.has(path)) yield { path, kind: 'only-found' }
}

/** Undefined for what is not a tar archive that can be read. */
async function listArchive(file: string): Promise<ReadonlyMap<string, Listed> | undefined> {
  const entries = new Map<string, { metadata: string; hash: ReturnType<typeof createHash> }>()
  try {
    await readTar(createReadStream(file) as AsyncIterable<Buffer>, {
      what: 'an output',
      limits,
      onEntry: ({ kind, path, mode, size, target }) => {
        const hash = createHash('sha256')
        const metadata = `${kind} ${mode.toString(8)} ${size} ${target}`.trim()
        entries.set(path, { metadata, hash })
        return (chunk) => hash.update(chunk)
      },
    })
  } catch (cause) {
    if (cause instanceof SallyportError) return undefined
    throw cause
  }
  return new Map(
    [...entries].map(([path, { metadata, hash }]) => [
      path,
      { metadata, content: `sha256:${hash.digest('hex')}` },
    ]),
  )
}

async function firstDifference(
  expected: string,
  found: string,
): Promise<{ offset: number | undefined; sizes: readonly [number, number] }> {
  await using one = await open(expected)
  await using other = await open(found)
  const sizes = [(await one.stat()).size, (await other.stat()).size] as const
  const [a, b] = [Buffer.alloc(1 << 20), Buffer.alloc(1 << 20)]
  for (let at = 0; ;) {
    const [left, right] = [await fill(one, a, at), await fill(other, b, at)]
    const length = Math.min(left, right)
    for (let index = 0; index < length; index += 1)
      if (a[index] !== b[index]) return { offset: at + index, sizes }
    if (left !== right) return { offset: at + length, sizes }
    if (left === 0) return { offset: undefined, sizes }
    at += length
  }
}

async function fill(
  file: Awaited<ReturnType<typeof open>>,
  buffer: Buffer,
  position: number,
): Promise<number> {
  let length = 0
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, position + length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  return length
}
