import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { encodeRequest, parseRequest, requestId, type BreakglassRequest } from '#breakglass'
import { quote, SallyportError } from '#error'
import { keptIn, readKept, timeOf, writeKept, youngMs } from './desk-folder.ts'

/** So many are kept; whoever may ask cannot fill the disk, and nobody alone takes the place of all others. */
const maxRequests = 1000
const maxOwnRequests = 100
const maxBytes = 1_000_000
/** All of them are one answer, beside as many that others were sent: who reads that takes 16 MB. */
const maxAllBytes = 6_000_000
const maxOwnBytes = 600_000

/** A request, and what it is called. */
export interface KeptRequest {
  readonly id: string
  readonly request: BreakglassRequest
}

/** What is known of a file without reading it again. */
interface Known {
  readonly mtimeMs: number
  /** Undefined for what is no request. */
  readonly requester: string | undefined
  readonly size: number
}

interface Bounds {
  readonly count: number
  readonly size: number
  readonly what: string
}

/** The requests of one folder. Two calls of `keep` MUST NOT run at a time. */
export class KeptRequests {
  readonly #folder: string
  /** By whom each is, while its file stays the same. */
  #known = new Map<string, Known>()

  constructor(folder: string) {
    this.#folder = folder
  }

  async list(): Promise<readonly KeptRequest[]> {
    const read = await Promise.all((await this.names()).map((name) => this.#read(name)))
    return read.flatMap((one) => one ?? [])
  }

  /** What may be requests, by the names of their files. */
  async names(): Promise<readonly string[]> {
    return (await keptIn(this.#folder)).filter((name) => /^[0-9a-f]{32}\.json$/.test(name))
  }

  async has(request: BreakglassRequest): Promise<boolean> {
    const file = join(this.#folder, `${requestId(request)}.json`)
    return (await timeOf(file, maxBytes)) !== undefined
  }

  /**
   * Keeps a request, since then or now, and gives the name of its file.
   *
   * @throws SallyportError BREAKGLASS_REQUEST when there are too many; FILE_UNWRITABLE
   */
  async keep(request: BreakglassRequest, since?: Date): Promise<string> {
    const name = `${requestId(request)}.json`
    const kept = await this.#kept()
    if (kept.has(name)) return name
    const bytes = encodeRequest(request)
    this.#checkRoom([...kept.values()], request.requester, bytes.length)
    await writeKept(join(this.#folder, name), bytes, since)
    return name
  }

  #checkRoom(all: readonly Known[], requester: string, bytes: number): void {
    const own = all.filter((one) => one.requester === requester)
    const ofThem = `requests of ${quote(requester, 200)}`
    this.#checkBounds(own, bytes, { count: maxOwnRequests, size: maxOwnBytes, what: ofThem })
    this.#checkBounds(all, bytes, { count: maxRequests, size: maxAllBytes, what: 'requests' })
  }

  #checkBounds(kept: readonly Known[], bytes: number, { count, size, what }: Bounds): void {
    const now = kept.reduce((sum, one) => sum + one.size, 0)
    if (kept.length >= count) throw full(this.#folder, `${count} ${what}`, `${kept.length}`)
    if (now + bytes > size)
      throw full(this.#folder, `${size} bytes of ${what}`, `${now}, and ${bytes} more`)
  }

  /** Requests, by the names of their files. */
  async #kept(): Promise<ReadonlyMap<string, Known>> {
    const names = await this.names()
    const known = await Promise.all(
      names.map(async (name) => [name, await this.#look(name)] as const),
    )
    this.#known = new Map(known.flatMap(([name, one]) => (one === undefined ? [] : [[name, one]])))
    return new Map([...this.#known].filter(([, { requester }]) => requester !== undefined))
  }

  async #look(name: string): Promise<Known | undefined> {
    const mtimeMs = await timeOf(join(this.#folder, name), maxBytes)
    if (mtimeMs === undefined) return undefined
    const known = this.#known.get(name)
    if (known?.mtimeMs === mtimeMs && isYoung(mtimeMs)) return known
    const request = (await this.#read(name))?.request
    const size = request === undefined ? 0 : encodeRequest(request).length
    return { mtimeMs, requester: request?.requester, size }
  }

  /**
   * What cannot be read, or has the name of another, is nobody's request, and keeps nobody from reading the others; it stays
   * where it is. A request that is old is removed.
   */
  async #read(name: string): Promise<KeptRequest | undefined> {
    const file = join(this.#folder, name)
    const read = await readKept(file, maxBytes)
    const request = read && readRequest(read.bytes, name)
    if (read === undefined || request === undefined) return undefined
    if (isYoung(read.mtimeMs)) return { id: name.slice(0, 32), request }
    // Where it cannot be removed it is passed over all the same.
    await rm(file, { force: true }).catch(() => undefined)
    return undefined
  }
}

/** Undefined for what is no request, or not the one that the name says. */
export function readRequest(bytes: Uint8Array, name: string): BreakglassRequest | undefined {
  try {
    const request = parseRequest(bytes, name)
    return `${requestId(request)}.json` === name ? request : undefined
  } catch (error) {
    if (error instanceof SallyportError) return undefined
    throw error
  }
}

function isYoung(mtimeMs: number): boolean {
  return Date.now() - mtimeMs < youngMs
}

function full(folder: string, most: string, found: string): SallyportError {
  return new SallyportError({
    code: 'BREAKGLASS_REQUEST',
    where: folder,
    expected: `fewer than ${most} within eight days`,
    found,
    fix: `Have the operator of the gate move old ones out of ${folder}; or have somebody who has a home send the file of \`sallyport breakglass request\` without --gate to an approver from hand to hand`,
  })
}
