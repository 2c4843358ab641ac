import { randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rename, stat, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parseRequest, requestId } from '#breakglass'
import type { Config } from '#config'
import { sha256Hex } from '#document'
import { SallyportError } from '#error'
import type { Journal } from '#server'
import type { Shelf } from '#store'
import { openDatabase } from '../database.ts'

/** What a gate was sent in emergencies, shared with the other replicas of its log. */
export interface SharedDesk extends AsyncDisposable {
  /**
   * Hands the others what this replica was sent, and fetches what they were. Resolves when that is done, has failed, or takes
   * longer than a second; it goes on by itself, and what failed is tried again.
   *
   * @param kept a file of the folder that is new, by its name there
   */
  look(kept?: string): Promise<void>
}

export interface ShareDeskParts {
  readonly config: Pick<Config, 'breakglass' | 'store'>
  readonly journal: Journal
}

const lookMs = 1000
/** Grants hold for a week at most: what is older helps nobody. */
const youngMs = 8 * 86_400_000

/**
 * Keeps what replicas were sent the same: each reads files of its own, so that no answer needs the database for them, and the
 * database carries them from one to the others. A log in files has no replicas: then there is nothing to do.
 */
export async function shareDesk({ config, journal }: ShareDeskParts): Promise<SharedDesk> {
  const { postgres } = config.store
  if (postgres === undefined) {
    return { look: () => Promise.resolve(), [Symbol.asyncDispose]: () => Promise.resolve() }
  }
  const { shelf, close } = await openDatabase(postgres, { connections: 1 })
  const copies = new Copies(config.breakglass.folder, shelf)
  await copies.find()
  let isSharing = true
  const tell = (error?: unknown): void => {
    if (isSharing && error !== undefined) journal.error('breakglass is not shared', error)
    isSharing = error === undefined
  }
  let turn: Promise<void> = Promise.resolve()
  let waiting = 0
  // One after the other; who comes while one waits for its turn waits for that one.
  const look = (): Promise<void> => {
    if (waiting > 0) return turn
    waiting += 1
    turn = turn.then(async () => {
      waiting -= 1
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
  readonly #shelf: Shelf
  /** What others may not have yet, and since when it is here. */
  readonly #own = new Map<string, number>()
  /** What is not to be fetched: it is here, was here, or is not what its name says. */
  readonly #seen = new Set<string>()

  constructor(folder: string, shelf: Shelf) {
    this.#folder = folder
    this.#shelf = shelf
  }

  /** What is here from before. */
  async find(): Promise<void> {
    const artifacts = await namesIn(join(this.#folder, 'grants/sha256'))
    for (const place of ['requests', ...artifacts.map((sha256) => `grants/sha256/${sha256}`)]) {
      for (const file of await namesIn(join(this.#folder, place))) {
        const name = `${place}/${file}`
        if (kindOf(name) === undefined) continue
        this.#seen.add(name)
        this.#own.set(name, (await stat(join(this.#folder, name))).mtimeMs)
      }
    }
  }

  add(name: string): void {
    this.#seen.add(name)
    this.#own.set(name, Date.now())
  }

  async exchange(): Promise<void> {
    const there = await this.#shelf.names()
    for (const [name, since] of this.#own) {
      if (!there.has(name) && Date.now() - since < youngMs) await this.#give(name)
      this.#own.delete(name)
    }
    for (const [name, since] of there) {
      if (this.#seen.has(name)) continue
      const bytes = await this.#shelf.get(name)
      if (bytes !== undefined && isItself(name, bytes)) await this.#keep(name, bytes, since)
      this.#seen.add(name)
    }
  }

  async #give(name: string): Promise<void> {
    // Somebody may have moved it away.
    const bytes = await readFile(join(this.#folder, name)).catch(ifThere)
    if (bytes !== undefined) await this.#shelf.put(name, bytes)
  }

  async #keep(name: string, bytes: Uint8Array, since: Date): Promise<void> {
    const file = join(this.#folder, name)
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    const temporary = join(dirname(file), `.${randomUUID()}`)
    await writeFile(temporary, bytes, { mode: 0o600, flush: true })
    // As old as it is where it came from: copies of copies must not stay for ever.
    await utimes(temporary, since, since)
    await rename(temporary, file)
  }
}

/** Everything is called by its content: a database that says something else says nothing. */
function isItself(name: string, bytes: Uint8Array): boolean {
  const kind = kindOf(name)
  if (kind === undefined) return false
  if (kind.is === 'grant') return sha256Hex(bytes).startsWith(kind.id)
  try {
    return requestId(parseRequest(bytes, name)) === kind.id
  } catch (error) {
    if (error instanceof SallyportError) return false
    throw error
  }
}

function kindOf(
  name: string,
): { readonly is: 'request' | 'grant'; readonly id: string } | undefined {
  const [, request] = /^requests\/([0-9a-f]{32})\.json$/.exec(name) ?? []
  if (request !== undefined) return { is: 'request', id: request }
  const grantName = /^grants\/sha256\/[0-9a-f]{64}\/([0-9a-f]{32})\.sigstore\.json$/
  const [, grant] = grantName.exec(name) ?? []
  return grant === undefined ? undefined : { is: 'grant', id: grant }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return (await readdir(folder).catch(ifThere)) ?? []
}

function ifThere(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error
}
