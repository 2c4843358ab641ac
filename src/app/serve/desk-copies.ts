import { join } from 'node:path'
import { SallyportError } from '#error'
import type { Shelf } from '#store'
import type { DeskFiles } from './desk-files.ts'
import { readKept, writeKept, youngMs } from './desk-folder.ts'
import { readRequest } from './kept-requests.ts'

export type CopiedFiles = Pick<DeskFiles, 'names' | 'keepSharedRequest' | 'keepGrant'>

export interface DeskCopiesParts {
  /** Of breakglass. */
  readonly folder: string
  readonly files: CopiedFiles
  readonly shelf: Shelf
  /** In milliseconds; never goes back. */
  readonly now?: () => number
}

/** What another was sent and is not kept here, such as a grant of a key that is not known yet, is looked at again. */
const laterMs = 30_000
const maxBytes = 1_000_000
/** What was here, by name: what somebody has moved away since stays away, also after the next start. */
const listFile = 'shared-names.txt'

/** The files of one replica, held against what all have. */
export class DeskCopies {
  readonly #folder: string
  readonly #files: CopiedFiles
  readonly #shelf: Shelf
  readonly #now: () => number
  /** What others may not have yet. */
  readonly #own = new Set<string>()
  /** What is not to be fetched before then: it is here, was here, or is not kept. */
  readonly #seen = new Map<string, number>()
  #listed = ''
  #isFound = false

  constructor({ folder, files, shelf, now = () => performance.now() }: DeskCopiesParts) {
    this.#folder = folder
    this.#files = files
    this.#shelf = shelf
    this.#now = now
  }

  /** A file that is new here. */
  add(name: string): void {
    this.#seen.set(name, Infinity)
    this.#own.add(name)
  }

  /** Hands the others what is new here, and fetches what is not. Two calls MUST NOT run at a time. */
  async exchange(): Promise<void> {
    if (!this.#isFound) await this.#find()
    const there = await this.#shelf.names()
    const known = new Set(there.keys())
    for (const name of this.#own) {
      await this.#give(name)
      this.#own.delete(name)
      known.add(name)
    }
    for (const [name, since] of there) {
      if (this.#now() < (this.#seen.get(name) ?? 0)) continue
      this.#seen.set(name, (await this.#take(name, since)) ? Infinity : this.#now() + laterMs)
    }
    for (const name of this.#seen.keys())
      if (!known.has(name) && !this.#own.has(name)) this.#seen.delete(name)
    await this.#list()
  }

  /** What is here from before, and what was. */
  async #find(): Promise<void> {
    const list = await readKept(join(this.#folder, listFile), maxBytes)
    this.#listed = Buffer.from(list?.bytes ?? '').toString()
    for (const name of this.#listed.split('\n').filter(isKind)) this.#seen.set(name, Infinity)
    for (const name of (await this.#files.names()).filter(isKind)) this.add(name)
    this.#isFound = true
  }

  /** Where it cannot be written the desk tells that, and it is tried again. */
  async #list(): Promise<void> {
    const names = [...this.#seen.keys()].filter((name) => this.#seen.get(name) === Infinity)
    const list = names.filter(isKind).sort().join('\n')
    if (list === this.#listed) return
    try {
      await writeKept(join(this.#folder, listFile), Buffer.from(list))
      this.#listed = list
    } catch (error) {
      if (!(error instanceof SallyportError)) throw error
    }
  }

  /**
   * What was moved away, is old or cannot be read is not handed on, and keeps nothing else from being so. It takes the place of
   * what somebody else has written under its name.
   */
  async #give(name: string): Promise<void> {
    const kept = await readKept(join(this.#folder, name), maxBytes)
    if (kept !== undefined && Date.now() - kept.mtimeMs < youngMs)
      await this.#shelf.put(name, kept.bytes)
  }

  /** Whether there is nothing more to do about it. What the database says is kept as what is sent is, or not. */
  async #take(name: string, since: Date): Promise<boolean> {
    const kind = kindOf(name)
    if (kind === undefined) return true
    const bytes = await this.#shelf.get(name)
    if (bytes === undefined) return false
    try {
      if (kind === 'grant') return Boolean(await this.#files.keepGrant(bytes, since))
      const request = readRequest(bytes, name.slice('requests/'.length))
      if (request === undefined) return false
      await this.#files.keepSharedRequest(request, since)
      return true
    } catch (error) {
      if (error instanceof SallyportError) return false
      throw error
    }
  }
}

function isKind(name: string): boolean {
  return kindOf(name) !== undefined
}

function kindOf(name: string): 'request' | 'grant' | undefined {
  if (/^requests\/[0-9a-f]{32}\.json$/.test(name)) return 'request'
  return /^grants\/sha256\/[0-9a-f]{64}\/[0-9a-f]{32}\.sigstore\.json$/.test(name)
    ? 'grant'
    : undefined
}
