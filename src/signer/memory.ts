import {
  closeSync,
  constants,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  unlinkSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { quote, SallyportError } from '#error'
import { openCheckpoint, type LogIdentity, type TreeHead } from '#merkle'
import { createSecretFile, readSecretFile, syncFolder } from './secret-file.ts'

const what = "the signer's memory of its newest checkpoint"
const attempts = 16

interface Remembered extends TreeHead {
  readonly generation: number
}

/**
 * What the signer of a log remembers, in a folder: its newest signed checkpoint, as `<generation>.checkpoint`.
 *
 * Several signers of one log may run at once. A generation is taken by link(2), which fails when the name exists: of two
 * that continue the same checkpoint, one wins, and the other judges its request again by what has been signed since.
 * No lock is held, so a killed process leaves none; the checkpoint is durable before anybody is answered.
 */
export class CheckpointMemory {
  readonly #folder: string
  readonly #log: LogIdentity
  /** What was last read or written here; a generation is never changed, so it need not be verified twice. */
  #known: Remembered | undefined

  constructor(folder: string, log: LogIdentity) {
    this.#folder = folder
    this.#log = log
  }

  /** Begins a memory; one that exists is never replaced. */
  static create(folder: string, note: string): void {
    try {
      mkdirSync(folder, { mode: 0o700 })
    } catch (cause) {
      throw cannotCreate(folder, cause)
    }
    createSecretFile(join(folder, fileName(0)), what, Buffer.from(note))
    syncFolder(dirname(folder))
  }

  newest(): Remembered {
    for (let attempt = 0; ; attempt += 1) {
      const generation = this.#generations()[0]
      if (generation === undefined) throw lost(this.#folder, 'no checkpoint in it')
      if (this.#known?.generation === generation) return this.#known
      try {
        return (this.#known = this.#read(generation))
      } catch (cause) {
        // Another signer has gone on and removed the generation that was the newest a moment ago.
        const gone = !this.#generations().includes(generation)
        if (!gone || attempt === attempts) throw cause
      }
    }
  }

  /** Replaces the newest checkpoint by what `next` makes of it; what `next` throws changes nothing. */
  advance(next: (newest: TreeHead) => string): string {
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const newest = this.newest()
      const note = next(newest)
      if (this.#take(newest.generation + 1, note)) return note
    }
    throw new SallyportError({
      code: 'SIGNER_MEMORY_LOST',
      where: this.#folder,
      expected: 'to be the only signer that continues this checkpoint',
      found: `${attempts} times another signer that was faster`,
      fix: 'Stop the other processes that append to this log, or let them share one',
    })
  }

  #take(generation: number, note: string): boolean {
    const temporary = join(this.#folder, `${process.pid}.new`)
    unlinkIfThere(temporary)
    createSecretFile(temporary, what, Buffer.from(note))
    try {
      linkSync(temporary, join(this.#folder, fileName(generation)))
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false
      throw cause
    } finally {
      unlinkIfThere(temporary)
    }
    const [newest = 0, ...older] = this.#generations()
    if (newest !== generation) {
      // The name was free because it had been used and removed: others are already further.
      unlinkIfThere(join(this.#folder, fileName(generation)))
      return false
    }
    syncFolder(this.#folder)
    for (const old of older) unlinkIfThere(join(this.#folder, fileName(old)))
    return true
  }

  #read(generation: number): Remembered {
    const path = join(this.#folder, fileName(generation))
    const bytes = readSecretFile(path, what, 64 * 1024)
    try {
      const { size, root } = openCheckpoint(bytes.toString('utf8'), this.#log)
      return { size, root, generation }
    } catch (cause) {
      if (!(cause instanceof SallyportError)) throw cause
      throw lost(
        path,
        `a file that is not a checkpoint signed by these keys (${cause.code})`,
        cause,
      )
    }
  }

  /** All generations, newest first. */
  #generations(): number[] {
    let names: string[]
    try {
      checkFolder(this.#folder)
      names = readdirSync(this.#folder)
    } catch (cause) {
      if (cause instanceof SallyportError) throw cause
      throw lost(this.#folder, 'no such folder', cause)
    }
    return names
      .flatMap((name) => /^(\d{1,15})\.checkpoint$/.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => b - a)
  }
}

function fileName(generation: number): string {
  return `${generation}.checkpoint`
}

function checkFolder(path: string): void {
  const folder = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  try {
    const { mode, uid } = fstatSync(folder)
    if ((mode & 0o022) === 0 && uid === process.getuid?.()) return
    throw new SallyportError({
      code: 'SIGNER_FILE_MODE',
      where: path,
      expected: `a folder that only the user of the signer (uid ${process.getuid?.()}) can change`,
      found: `mode 0${(mode & 0o7777).toString(8)}, uid ${uid}`,
      fix: `Run \`chmod 700 ${path}\` as its owner`,
    })
  } finally {
    closeSync(folder)
  }
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
  }
}

function lost(where: string, found: string, cause?: unknown): SallyportError {
  const folder = where.endsWith('.checkpoint') ? dirname(where) : where
  return new SallyportError(
    {
      code: 'SIGNER_MEMORY_LOST',
      where,
      expected: `${what}, without which it could be made to sign a second history`,
      found,
      fix: `Run \`sallyport log verify\`; when the log is whole, put its newest signed checkpoint back: \`install -D -m 600 CHECKPOINT ${folder}/${fileName(0)}\``,
    },
    { cause },
  )
}

function cannotCreate(folder: string, cause: unknown): SallyportError {
  const exists = (cause as NodeJS.ErrnoException).code === 'EEXIST'
  return new SallyportError(
    {
      code: exists ? 'SIGNER_FILE_EXISTS' : 'SIGNER_FILE',
      where: folder,
      expected: `a name that is free, in a folder that exists, for ${what}`,
      found: exists ? 'something of that name' : quote((cause as NodeJS.ErrnoException).code ?? ''),
      fix: exists
        ? 'Keep it: a memory that is begun again forgets what was signed'
        : `Make the folder ${dirname(folder)}, and let this user write in it`,
    },
    { cause },
  )
}
