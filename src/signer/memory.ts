import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  unlinkSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { quote, SallyportError } from '#error'
import { openCheckpoint, type LogIdentity, type TreeHead } from '#merkle'
import { beginNotes, openNotes, type Note, type Notes } from './notes.ts'
import { readSecretFile, syncFolder } from './secret-file.ts'

const what = "the signer's memory of its newest checkpoint"
const database = 'memory.sqlite'
/** Milliseconds. To wait for the disk in each of 500 commits a second would take a tenth of a core, and be half of what a commit takes. */
const settleAfter = 250

interface Remembered extends TreeHead {
  readonly generation: number
}

/**
 * What the signer of a log remembers, in a folder: the newest tree, as a note signed by `own` keys, in an SQLite database
 * that syncs every change to the disk before it says that it is made.
 *
 * Several signers of one log may run at once. Each judges a request by the newest checkpoint, and replaces that one, in
 * one transaction that excludes the others. SQLite gives the lock of a killed process free and finishes or undoes what
 * it left.
 *
 * A checkpoint that somebody puts back by hand lies beside the database as `<number>.checkpoint`, signed by all keys of the
 * log. It is taken over, if it goes further than what is remembered.
 */
export class CheckpointMemory {
  readonly #folder: string
  readonly #log: LogIdentity
  readonly #own: LogIdentity
  #notes: Notes | undefined
  /** What was last read or written here; a generation is never changed, so it need not be verified twice. */
  #known: Remembered | undefined
  /** What was last made durable here, and when, in milliseconds of `performance.now`. */
  #settled: number | undefined
  #settledAt = -Infinity

  constructor(folder: string, log: LogIdentity, own: LogIdentity['verifierKeys']) {
    this.#folder = folder
    this.#log = log
    this.#own = { origin: log.origin, verifierKeys: own }
  }

  /** Begins a memory; one that exists is never replaced. */
  static create(folder: string, note: string): void {
    try {
      mkdirSync(folder, { mode: 0o700 })
    } catch (cause) {
      throw cannotCreate(folder, cause)
    }
    beginDatabase(folder, note)
    syncFolder(dirname(folder))
  }

  newest(): Remembered {
    return this.#judged(() => this.#remembered(this.#open().newest()))
  }

  /**
   * Replaces what is remembered by the note of `head` that `sign` makes; what `sign` throws changes nothing. Everybody is judged
   * by it from then on, whoever is killed. A power failure takes away what came within `settleAfter` of the last that was durable, at most.
   */
  advance(head: TreeHead, sign: (newest: TreeHead) => string): void {
    this.#judged(() => {
      const isDue = performance.now() - this.#settledAt >= settleAfter
      const next = (there: Note): string => sign(this.#remembered(there))
      const { generation } = this.#replace(next, isDue ? 'durably' : 'seen')
      // What was signed here need not be verified before the next one.
      this.#known = { size: head.size, root: head.root, generation }
    })
  }

  /** Makes what is remembered, whoever has remembered it, safe from a power failure. */
  settle(): void {
    this.#judged(() => {
      if (this.#open().newest().generation === this.#settled) return
      const { generation } = this.#replace(({ note }) => note, 'durably')
      if (this.#known?.generation === generation - 1) this.#known = { ...this.#known, generation }
    })
  }

  #replace(next: (there: Note) => string, how: 'durably' | 'seen'): Note {
    const replaced = this.#open().replace(next, how)
    if (how === 'durably') {
      this.#settled = replaced.generation
      this.#settledAt = performance.now()
    }
    return replaced
  }

  #open(): Notes {
    return (this.#notes ??= this.#openDatabase())
  }

  #openDatabase(): Notes {
    checkFolder(this.#folder)
    const names = readdirSync(this.#folder)
    const put = names.filter((name) => /^\d{1,15}\.checkpoint$/.test(name))
    const path = join(this.#folder, database)
    if (!names.includes(database)) {
      const newest = this.#furthest(put)
      if (newest === undefined) throw lost(this.#folder, 'no checkpoint in it')
      // What a database that is gone has left would otherwise be taken for a part of the new one.
      for (const rest of ['-wal', '-shm', '-journal']) unlinkIfThere(path + rest)
      beginDatabase(this.#folder, newest.note)
    }
    checkFile(path)
    const notes = openNotes(path)
    this.#takeOver(notes, put)
    return notes
  }

  #takeOver(notes: Notes, put: readonly string[]): void {
    const newest = this.#furthest(put)
    if (newest !== undefined && newest.size > this.#remembered(notes.newest()).size)
      notes.replace(
        (there) => (newest.size > this.#remembered(there).size ? newest.note : there.note),
        'durably',
      )
    for (const name of put) unlinkIfThere(join(this.#folder, name))
  }

  /** The one with the largest tree of those that were put here. */
  #furthest(names: readonly string[]): { size: number; note: string } | undefined {
    const all = names.map((name) => {
      const path = join(this.#folder, name)
      const note = readSecretFile(path, what, 64 * 1024).toString('utf8')
      return { size: this.#verified(path, note, this.#log).size, note }
    })
    return all.sort((a, b) => b.size - a.size)[0]
  }

  #remembered({ generation, note }: { generation: number; note: string }): Remembered {
    if (this.#known?.generation !== generation) {
      const { size, root } = this.#verified(join(this.#folder, database), note, this.#own)
      this.#known = { size, root, generation }
    }
    return this.#known
  }

  #verified(path: string, note: string, by: LogIdentity): TreeHead {
    try {
      return openCheckpoint(note, by)
    } catch (cause) {
      if (!(cause instanceof SallyportError)) throw cause
      const found = `something that is not a checkpoint signed by these keys (${cause.code})`
      throw lost(path, found, cause)
    }
  }

  /** What goes wrong in the database is a memory that is lost, or a disk that is full or broken. */
  #judged<T>(work: () => T): T {
    try {
      return work()
    } catch (cause) {
      if (cause instanceof SallyportError) throw cause
      this.#known = undefined
      throw unusable(this.#folder, cause)
    }
  }
}

/** Makes the database under another name, and gives it its own only when it is whole: by link(2), so that one wins. */
function beginDatabase(folder: string, note: string): void {
  const temporary = join(folder, `${process.pid}.new`)
  unlinkIfThere(temporary)
  closeSync(openSync(temporary, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600))
  chmodSync(temporary, 0o600)
  try {
    beginNotes(temporary, note)
    linkSync(temporary, join(folder, database))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
  } finally {
    unlinkIfThere(temporary)
  }
  syncFolder(folder)
}

function checkFolder(path: string): void {
  let folder: number
  try {
    folder = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  } catch (cause) {
    throw lost(path, 'no such folder', cause)
  }
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

function checkFile(path: string): void {
  const status = lstatSync(path)
  if (status.isFile() && (status.mode & 0o022) === 0 && status.uid === process.getuid?.()) return
  throw lost(path, 'something else than a file that only the user of the signer can change')
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
  }
}

function unusable(folder: string, cause: unknown): SallyportError {
  const text = cause instanceof Error ? cause.message : String(cause)
  if (!/disk is full|disk I\/O error|database is locked|readonly database/.test(text))
    return lost(folder, `a database that cannot be read (${text})`, cause)
  return new SallyportError(
    {
      code: 'SIGNER_FILE',
      where: folder,
      expected: `${what} to be made durable`,
      found: quote(text),
      fix: `See that the disk of ${folder} has room, works, and can be written; then ask again`,
    },
    { cause },
  )
}

function lost(where: string, found: string, cause?: unknown): SallyportError {
  const folder = /\.(?:checkpoint|sqlite)$/.test(where) ? dirname(where) : where
  return new SallyportError(
    {
      code: 'SIGNER_MEMORY_LOST',
      where,
      expected: `${what}, without which it could be made to sign a second history`,
      found,
      fix: `Run \`sallyport log verify\`; when the log is whole, put its newest signed checkpoint back: \`rm -f ${folder}/${database}* && install -D -m 600 CHECKPOINT ${folder}/0.checkpoint\``,
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
