import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import {
  link,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  unlink,
  type FileHandle,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { SallyportError } from '#error'
import { encodeRulebookMemory, parseRulebookMemory, type RulebookMemory } from '#trust'

const what =
  'what was seen of policies and trust file, without which an older edition would be believed'
const attempts = 16

interface Newest {
  readonly generation: number
  readonly memory: RulebookMemory
}

/** Begins a memory; one that exists is never replaced. */
export async function createMemory(folder: string, memory: RulebookMemory): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 })
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw refuse(
      folder,
      code === 'EEXIST' ? 'one that is there already' : (code ?? 'an unknown error'),
      code === 'EEXIST'
        ? 'Keep it: a memory that is begun again forgets what was seen'
        : `Make the folder ${dirname(folder)}, and let this user write in it`,
      cause,
    )
  }
  await writeNew(join(folder, nameOf(0)), memory)
  await syncFolder(folder)
  await syncFolder(dirname(folder))
}

/**
 * Replaces what is remembered by what `next` makes of it, durably; undefined changes nothing. Each generation is a file of its
 * own that is never changed, and taken by link(2): of two processes that go on from the same one, one wins, and the other
 * asks again. What `next` throws changes nothing.
 */
export async function advanceMemory(
  folder: string,
  next: (memory: RulebookMemory) => RulebookMemory | undefined,
): Promise<void> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const newest = await readNewest(folder)
    const wanted = next(newest.memory)
    if (wanted === undefined) return
    if (await take(folder, newest.generation + 1, wanted)) return
  }
  throw refuse(
    folder,
    `${attempts} times another process that was faster`,
    'Try again when the others are done',
  )
}

async function readNewest(folder: string): Promise<Newest> {
  for (let attempt = 0; ; attempt += 1) {
    const [generation] = await generations(folder)
    if (generation === undefined) throw lost(folder, 'nothing in it')
    const file = join(folder, nameOf(generation))
    try {
      return { generation, memory: parseRulebookMemory(await readOwn(file)) }
    } catch (cause) {
      // Another process has gone on and removed what was the newest a moment ago.
      const isGone = (cause as NodeJS.ErrnoException).code === 'ENOENT'
      if (isGone && attempt < attempts) continue
      if (cause instanceof SallyportError && cause.code === 'RULEBOOK_MEMORY') throw cause
      const { message } = cause as Error
      throw lost(file, `a file that cannot be read: ${message.slice(0, 200)}`, cause)
    }
  }
}

/** A link, or a file that others can write, could be put there by somebody else. */
async function readOwn(file: string): Promise<Uint8Array> {
  const { mode, uid } = await lstat(file).then((found) => {
    if (!found.isFile()) throw lost(file, 'something that is no file')
    return found
  })
  if ((mode & 0o077) === 0 && uid === process.getuid?.()) return await readFile(file)
  throw lost(file, `mode 0${(mode & 0o777).toString(8)}, uid ${uid}: others may have written it`)
}

async function take(folder: string, generation: number, memory: RulebookMemory): Promise<boolean> {
  // Two decisions of one process may come to this at once.
  const temporary = join(folder, `${randomUUID()}.new`)
  await writeNew(temporary, memory)
  try {
    await link(temporary, join(folder, nameOf(generation)))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw cause
  } finally {
    await unlink(temporary).catch(() => undefined)
  }
  const [newest, ...older] = await generations(folder)
  if (newest !== generation) {
    // The name was free because it had been used and removed: others are already further.
    await unlink(join(folder, nameOf(generation))).catch(() => undefined)
    return false
  }
  await syncFolder(folder)
  for (const old of older) await unlink(join(folder, nameOf(old))).catch(() => undefined)
  return true
}

/** All generations, newest first. */
async function generations(folder: string): Promise<readonly number[]> {
  const names = await readdir(folder).catch((cause: unknown) => {
    const { code = 'an unknown error' } = cause as NodeJS.ErrnoException
    if (code !== 'ENOENT') throw lost(folder, code, cause)
    throw refuse(
      folder,
      'no such folder',
      'Run `sallyport rulebook begin` if this gate has never remembered anything; otherwise find out who took the folder away, and restore it',
      cause,
    )
  })
  return names
    .flatMap((name) => /^(\d{1,15})\.json$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => b - a)
}

function nameOf(generation: number): string {
  return `${generation}.json`
}

async function writeNew(file: string, memory: RulebookMemory): Promise<void> {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
  await using handle = await open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  await handle.writeFile(encodeRulebookMemory(memory))
  await handle.sync()
}

async function syncFolder(folder: string): Promise<void> {
  await using handle: FileHandle = await open(folder, 'r')
  await handle.sync()
}

function lost(where: string, found: string, cause?: unknown): SallyportError {
  return refuse(
    where,
    found,
    'Compare versions and digests of policies and trust file with those of their owners; when they are the newest, move the folder away and run `sallyport rulebook begin`',
    cause,
  )
}

function refuse(where: string, found: string, fix: string, cause?: unknown): SallyportError {
  return new SallyportError(
    { code: 'RULEBOOK_MEMORY', where, expected: what, found, fix },
    { cause },
  )
}
