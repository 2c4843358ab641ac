import { existsSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { defaultRecipePath, parseRecipe } from '#builder'
import type { Config } from '#config'
import { engine } from '#decision'
import { SallyportError } from '#error'
import { makeLock, parseMaterialsLock, type NativeLock, type Progress } from '#materials'
import { openFileBlobs } from '#store'
import { readFileBounded, readNamed } from './input.ts'

export interface LockOptions {
  readonly config: Config
  /** The folder with recipe and native locks. */
  readonly folder: string
  readonly recipe?: string
  /** Choose the Debian packages of the pinned root anew. */
  readonly renewRoot: boolean
  readonly onProgress?: (progress: Progress) => void
}

export interface LockReport {
  readonly file: string
  readonly entries: number
  readonly npm: number
  readonly debian: number
  readonly bytes: number
  /** Whether the file is other than before. */
  readonly changed: boolean
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

const maxBytes = 64 * 1024 * 1024

const nativeNames = ['package-lock.json', 'npm-shrinkwrap.json'] as const

/** Renews the materials lock of a working folder from its native locks. It is reviewed and committed by a person. */
export async function renewLock(options: LockOptions): Promise<LockReport> {
  const { config, folder, renewRoot, onProgress } = options
  const recipePath = options.recipe ?? defaultRecipePath
  const recipeFile = await readNamed(join(folder, recipePath), folder)
  const recipe = parseRecipe(recipeFile.bytes, { file: recipePath })
  const file = join(folder, recipe.lock)
  const before = existsSync(file) ? await readFileBounded(file, maxBytes) : undefined
  const previous =
    before === undefined ? undefined : parseMaterialsLock(before, { file: recipe.lock })
  const { lock, bytes } = await makeLock({
    blobs: openFileBlobs(config.build.blobs),
    workspace: config.build.work,
    generator: `${engine.name}/${engine.version}`,
    platform: recipe.platform,
    nativeLocks: await nativeLocks(folder),
    toolchains: recipe.toolchains.map(({ material }) => material),
    allowScripts: recipe.steps.flatMap(({ scripts = [] }) => scripts),
    debian: renewRoot || previous?.root !== undefined ? recipe.root.debian : [],
    renewRoot,
    ...(previous === undefined ? {} : { previous }),
    ...(onProgress === undefined ? {} : { onProgress }),
  })
  const changed = before === undefined || Buffer.compare(before, bytes) !== 0
  if (changed) await replace(file, bytes)
  return {
    file,
    changed,
    ...countsOf(lock.entries),
    ...difference(previous?.entries, lock.entries),
  }
}

async function nativeLocks(folder: string): Promise<NativeLock[]> {
  const present = nativeNames.filter((name) => existsSync(join(folder, name)))
  return await Promise.all(
    present.map(async (path) => ({
      path,
      bytes: await readFileBounded(join(folder, path), maxBytes),
    })),
  )
}

async function replace(file: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`
  try {
    await writeFile(temporary, bytes, { flag: 'wx' })
    await rename(temporary, file)
  } catch (cause) {
    throw new SallyportError(
      {
        code: 'FILE_UNWRITABLE',
        where: file,
        expected: 'a folder this user can write to',
        found: (cause as NodeJS.ErrnoException).code ?? 'an unknown error',
        fix: `Make the folder of ${file} writable, then run \`sallyport lock\` again`,
      },
      { cause },
    )
  }
}

type Entries = readonly { readonly id: string; readonly type: string; readonly size: number }[]

function countsOf(entries: Entries) {
  return {
    entries: entries.length,
    npm: entries.filter(({ type }) => type === 'npm').length,
    debian: entries.filter(({ type }) => type === 'deb').length,
    bytes: entries.reduce((bytes, { size }) => bytes + size, 0),
  }
}

function difference(before: Entries = [], after: Entries) {
  const [old, now] = [before, after].map((entries) => entries.map(({ id }) => id).sort())
  const added = now?.filter((id) => old?.includes(id) === false) ?? []
  const removed = old?.filter((id) => now?.includes(id) === false) ?? []
  return { added, removed }
}
