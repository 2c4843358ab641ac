import { join } from 'node:path'
import type { Config } from '#config'
import { SallyportError, type Problem } from '#error'
import type { Journal } from '#server'
import type { Shelf } from '#store'
import { openDatabase } from '../database.ts'
import type { DeskFiles } from './desk-files.ts'
import { readKept, writeKept, youngMs } from './desk-folder.ts'
import { readRequest } from './kept-requests.ts'

/** What a gate was sent in emergencies, shared with the other replicas of its log. */
export interface SharedDesk extends AsyncDisposable {
  /**
   * Hands the others what this replica was sent, and fetches what they were. Resolves when that is done, has failed, or takes
   * longer than a second; it goes on by itself, and what failed is tried again.
   *
   * @param kept a file of the folder that is new, by its name there
   */
  look(kept?: string): Promise<void>
  /** Why nothing is shared. */
  warnings(): readonly Problem[]
}

export interface ShareDeskParts {
  readonly config: Pick<Config, 'breakglass' | 'store'>
  readonly files: Pick<DeskFiles, 'names' | 'keepSharedRequest' | 'keepGrant'>
  readonly journal: Journal
}

const lookMs = 1000
/** What another was sent and is not kept here, such as a grant of a key that is not known yet, is looked at again. */
const laterMs = 30_000
const maxBytes = 1_000_000
/** What was here, by name: what somebody has moved away since stays away, also after the next start. */
const listFile = 'shared-names.txt'

/**
 * Keeps what replicas were sent the same: each reads files of its own, so that no answer needs the database for them, and the
 * database carries them from one to the others. A log in files has no replicas: then there is nothing to do.
 */
export async function shareDesk({ config, files, journal }: ShareDeskParts): Promise<SharedDesk> {
  const { postgres } = config.store
  if (postgres === undefined) {
    return {
      look: () => Promise.resolve(),
      warnings: () => [],
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }
  }
  const { shelf, close } = await openDatabase(postgres, { connections: 1 })
  const copies = new Copies(config.breakglass.folder, files, shelf)
  let problems: readonly Problem[] = []
  const tell = (error?: unknown): void => {
    if (problems.length === 0 && error !== undefined)
      journal.error('breakglass is not shared', error)
    problems = error === undefined ? [] : [notShared(error)]
  }
  let turn: Promise<void> = Promise.resolve()
  let isWaiting = false
  // One after the other; who comes while one waits for its turn waits for that one.
  const look = (): Promise<void> => {
    if (isWaiting) return turn
    isWaiting = true
    turn = turn.then(async () => {
      isWaiting = false
      await copies.exchange().then(() => tell(), tell)
    })
    return turn
  }
  const timer = setInterval(() => void look(), lookMs)
  timer.unref()
  return {
    look(kept) {
      if (kept !== undefined) copies.add(kept)
      return Promise.race([look(), sleep(lookMs)])
    },
    warnings: () => problems,
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await turn
      await close()
    },
  }
}

/** Does not keep the process. */
function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms).unref())
}

/** The files of one replica, held against what all have. */
class Copies {
  readonly #folder: string
  readonly #files: ShareDeskParts['files']
  readonly #shelf: Shelf
  /** What others may not have yet. */
  readonly #own = new Set<string>()
  /** What is not to be fetched before then: it is here, was here, or is not kept. */
  readonly #seen = new Map<string, number>()
  #listed = ''
  #isFound = false

  constructor(folder: string, files: ShareDeskParts['files'], shelf: Shelf) {
    this.#folder = folder
    this.#files = files
    this.#shelf = shelf
  }

  add(name: string): void {
    this.#seen.set(name, Infinity)
    this.#own.add(name)
  }

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
      if (performance.now() < (this.#seen.get(name) ?? 0)) continue
      this.#seen.set(name, (await this.#take(name, since)) ? Infinity : performance.now() + laterMs)
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

function notShared(cause: unknown): Problem {
  const [first] = cause instanceof SallyportError ? cause.problems : []
  return {
    code: 'BREAKGLASS_UNSHARED',
    where: first?.where ?? 'breakglass',
    expected: 'the database, which carries requests and grants of breakglass to the other replicas',
    found: first === undefined ? 'an error; the journal of the gate has it' : first.found,
    fix: 'Put right what the journal says about "breakglass is not shared"; meanwhile hand in a grant at each replica, or carry it in the annotation of the pods',
  }
}
