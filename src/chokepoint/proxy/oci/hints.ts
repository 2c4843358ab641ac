import { appendFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Part } from './manifest.ts'

/** Where a blob, or an image of an index, was seen: in which manifest, and how large it is. */
export interface Hint {
  readonly parent: string
  readonly size: number
}

/**
 * Which manifests of a repository list what. A hint allows nothing: it says which manifest has to be decided before a
 * blob is handed out. So it may be lost, old, or written by anybody, and nothing unsafe follows.
 */
export interface Hints {
  /** The newest first. */
  of(repository: string, sha256: string): readonly Hint[]
  add(repository: string, parent: string, parts: readonly Part[]): void
  /** Resolves when everything until now is in the file. Never rejects. */
  settled(): Promise<void>
  readonly size: number
}

export interface HintOptions {
  readonly file: string
  /** Default 100,000; the oldest go first. */
  readonly maxEntries?: number
  /** Told when the file cannot be written: hints live on in memory. MUST NOT throw. */
  readonly onError: (error: unknown) => void
}

const maxParents = 4
const maxFileBytes = 128 * 1024 * 1024

export async function openHints({
  file,
  maxEntries = 100_000,
  onError,
}: HintOptions): Promise<Hints> {
  const entries = new Map<string, readonly Hint[]>()
  let lines = 0
  let writing: Promise<void> = Promise.resolve()
  const take = (repository: string, parent: string, { sha256, size }: Part): boolean => {
    const key = `${repository} ${sha256}`
    const known = entries.get(key) ?? []
    const isNew = !known.some((hint) => hint.parent === parent)
    const others = known.filter((hint) => hint.parent !== parent)
    entries.delete(key)
    entries.set(key, [{ parent, size }, ...others].slice(0, maxParents))
    for (const oldest of entries.keys()) {
      if (entries.size <= maxEntries) break
      entries.delete(oldest)
    }
    return isNew
  }
  const write = (work: () => Promise<void>): void => {
    writing = writing.then(work).catch(onError)
  }
  const text = (await readFile(file, 'utf8').catch(() => '')).slice(-maxFileBytes)
  for (const line of text.split('\n')) {
    const [, repository, sha256, parent, size] = form.exec(line) ?? []
    if (repository === undefined || sha256 === undefined || parent === undefined) continue
    take(repository, parent, { sha256, size: Number(size) })
    lines += 1
  }
  const compact = async (): Promise<void> => {
    const all = [...entries].flatMap(([key, hints]) =>
      hints.toReversed().map(({ parent, size }) => `${key} ${parent} ${size}\n`),
    )
    await writeFile(`${file}.new`, all.join(''), { mode: 0o600 })
    await rename(`${file}.new`, file)
    lines = all.length
  }
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  return {
    of: (repository, sha256) => entries.get(`${repository} ${sha256}`) ?? [],
    add(repository, parent, parts) {
      const fresh = parts.filter((part) => take(repository, parent, part))
      if (fresh.length === 0) return
      lines += fresh.length
      const added = fresh.map(({ sha256, size }) => `${repository} ${sha256} ${parent} ${size}\n`)
      write(() => appendFile(file, added.join(''), { mode: 0o600 }))
      if (lines > maxEntries * 2 * maxParents) write(compact)
    },
    settled: () => writing,
    get size() {
      return entries.size
    },
  }
}

const form = /^([a-z0-9.:[\]/_-]{1,600}) ([0-9a-f]{64}) ([0-9a-f]{64}) (\d{1,15})$/
