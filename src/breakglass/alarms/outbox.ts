import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { checkShape, cut, encodeCanonical, parseJson, sha256Hex, type Json } from '#document'
import { SallyportError, type Problem } from '#error'
import { encodeEvent, parseEvent, type SecurityEvent } from './event.ts'

/** One event that one sink has not heard yet. */
export interface Pending {
  readonly event: SecurityEvent
  /** The name of the sink; empty: there was none when it rang. */
  readonly sink: string
  /** When it rang. */
  readonly since: string
  readonly attempts: number
  /** When it is tried again; missing: at once. */
  readonly next?: string
  /** Why it failed the last time. */
  readonly failure?: string
}

/** What waits to be heard. */
export interface Waiting {
  /** Oldest first. */
  readonly pending: readonly Pending[]
  /** Files that may be alarms, and are told to nobody: somebody has to look. */
  readonly unreadable: readonly Problem[]
}

/** Alarms that have to be heard, on disk until they are: files in one folder, shared by all processes of a home. */
export interface Outbox {
  /** Keeps an event, and for each sink that it waits for it since then; the empty name is a sink that is still to come. Durable when it resolves. The same event again is one that is there. */
  put(event: SecurityEvent, sinks: readonly string[], since: Date): Promise<void>
  /** Keeps one for one sink, as it is. */
  keep(pending: Pending): Promise<void>
  /** What has not been heard, oldest first. */
  pending(): Promise<readonly Pending[]>
  /** The same, and what lies there and cannot be read, which keeps nobody from the others. */
  waiting(): Promise<Waiting>
  /** A sink has heard it. */
  delivered(pending: Pending): Promise<void>
  /** It was tried in vain. */
  failed(pending: Pending, failure: string, next: Date): Promise<void>
  /** Everything that has ever rung, oldest first: the file `events.jsonl`. */
  events(): Promise<readonly SecurityEvent[]>
}

const maxFile = 2_000_000
const lineFeed = 0x0a
const pendingSchema = z.strictObject({
  event: z.unknown(),
  sink: z.string(),
  since: z.string(),
  attempts: z.int().min(0),
  next: z.string().exactOptional(),
  failure: z.string().exactOptional(),
})

/** Opens the outbox in a folder, which is made when it is first needed. */
export function openOutbox(folder: string): Outbox {
  const waiting = join(folder, 'pending')
  const rung = join(folder, 'rung')
  const stream = join(folder, 'events.jsonl')
  return {
    async put(event, sinks, since) {
      await keeping(folder, async () => {
        await Promise.all(
          [waiting, rung].map((one) => mkdir(one, { recursive: true, mode: 0o700 })),
        )
        // Rung once already: it is heard, or waits to be.
        if (await exists(join(rung, event.id))) return
        for (const sink of sinks) {
          await write(waiting, { event, sink, since: since.toISOString(), attempts: 0 })
        }
        await append(stream, event)
        await writeDurably(rung, event.id, new Uint8Array())
      })
    },
    keep: (one) => keeping(folder, () => write(waiting, one)),
    pending: async () => (await reading(folder, () => readAll(waiting))).pending,
    waiting: () => reading(folder, () => readAll(waiting)),
    delivered: (one) =>
      keeping(folder, () => unlink(join(waiting, fileOf(one))).catch(orNothing(undefined))),
    failed: (one, failure, next) =>
      keeping(folder, () =>
        write(waiting, {
          ...one,
          attempts: one.attempts + 1,
          failure: cut(failure, 500),
          next: next.toISOString(),
        }),
      ),
    events: async () => {
      const bytes = await reading(folder, () => readFile(stream).catch(orNothing(Buffer.alloc(0))))
      const lines = bytes.toString('utf8').split('\n')
      return lines.flatMap((line) => readLine(line) ?? [])
    },
  }
}

async function readAll(waiting: string): Promise<Waiting> {
  const names = await readdir(waiting).catch(orNothing<string[]>([]))
  const files = names.filter((name) => name.endsWith('.json')).sort()
  const read = await Promise.all(files.map((name) => readPending(join(waiting, name))))
  const found = read.flatMap((one) => one ?? [])
  const pending = found.flatMap((one) => ('code' in one ? [] : [one]))
  return {
    pending: pending.sort((a, b) => (`${a.since}${a.sink}` < `${b.since}${b.sink}` ? -1 : 1)),
    unreadable: found.flatMap((one) => ('code' in one ? [one] : [])),
  }
}

/** A line that a crash cut off is no event; what it was is still pending. */
function readLine(line: string): SecurityEvent | undefined {
  try {
    return line === '' ? undefined : parseEvent(Buffer.from(line))
  } catch (error) {
    if (error instanceof SallyportError) return undefined
    throw error
  }
}

function fileOf({ event, sink }: Pick<Pending, 'event' | 'sink'>): string {
  return `${event.id}.${sink === '' ? 'nobody' : sha256Hex(sink).slice(0, 16)}.json`
}

async function write(folder: string, pending: Pending): Promise<void> {
  await writeDurably(folder, fileOf(pending), encodeCanonical(pending as unknown as Json))
}

/** A file is there whole or not at all, and stays when the power goes. */
async function writeDurably(folder: string, name: string, bytes: Uint8Array): Promise<void> {
  const temporary = join(folder, `.${name}.${randomUUID()}`)
  try {
    await sync(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, bytes)
    await rename(temporary, join(folder, name))
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncFolder(folder)
}

async function append(file: string, event: SecurityEvent): Promise<void> {
  const end = await endOf(file)
  // Who put it before may have died just after this.
  if (hasWhole(end, event.id)) return
  // A line that a crash cut off must not take this one along.
  const begin = end.length === 0 || end.at(-1) === lineFeed ? '' : '\n'
  const line = Buffer.concat([Buffer.from(begin), encodeEvent(event), Buffer.from('\n')])
  await sync(file, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND, line)
}

/** Looked for in the bytes: one line is read of megabytes, and only where it is there. */
function hasWhole(end: Buffer, id: string): boolean {
  const at = end.lastIndexOf(`"id":"${id}"`)
  if (at === -1) return false
  const line = end.subarray(end.lastIndexOf('\n', at) + 1, end.indexOf('\n', at))
  return readLine(line.toString())?.id === id
}

/** The newest lines; the first of them may be a part of one. */
async function endOf(file: string): Promise<Buffer> {
  const handle = await open(file, constants.O_RDONLY).catch(orNothing(undefined))
  if (handle === undefined) return Buffer.alloc(0)
  try {
    const { size } = await handle.stat()
    const from = Math.max(0, size - maxFile)
    const bytes = Buffer.allocUnsafe(size - from)
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, from)
    return bytes.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}

async function sync(file: string, flags: number, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, flags, 0o600)
  try {
    await handle.writeFile(bytes)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** What cannot be read is left where it is: it is never delivered as something else. */
async function readPending(file: string): Promise<Pending | Problem | undefined> {
  try {
    const bytes = await readFile(file)
    const what = 'a pending alarm'
    const value = parseJson(bytes, { what, maxBytes: maxFile })
    const { event, ...rest } = checkShape(pendingSchema, value, { what })
    return { ...rest, event: parseEvent(encodeCanonical(event as Json)) }
  } catch (error) {
    if (error instanceof SallyportError) return unreadable(file, `${error.code}: ${error.found}`)
    const { code } = error as NodeJS.ErrnoException
    // Another process has delivered it in the meantime.
    return code === 'ENOENT' ? undefined : unreadable(file, code ?? 'an unknown error')
  }
}

function unreadable(file: string, found: string): Problem {
  return {
    code: 'FILE_UNREADABLE',
    where: file,
    expected: 'an alarm that waits to be heard, readable for this user',
    found: cut(found, 500),
    fix: 'Make it readable for the user of the gate, who then tells it; if it is damaged, events.jsonl, in the folder above, has what rang: move this file away',
  }
}

async function exists(file: string): Promise<boolean> {
  return (await stat(file).catch(orNothing(undefined))) !== undefined
}

function orNothing<T>(nothing: T): (error: unknown) => T {
  return (error) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return nothing
    throw error
  }
}

async function keeping(folder: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (cause) {
    throw notKept(folder, cause)
  }
}

async function reading<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw new SallyportError(
      {
        code: 'FILE_UNREADABLE',
        where: folder,
        expected: 'a folder of alarms that this user can read',
        found: (cause as NodeJS.ErrnoException).code ?? 'an unknown error',
        fix: `Make ${folder} and what is in it readable for you, or run this as its owner`,
      },
      { cause },
    )
  }
}

function notKept(folder: string, cause: unknown): SallyportError {
  return new SallyportError(
    {
      code: 'ALARM_NOT_KEPT',
      where: folder,
      expected: 'alarms to be written before anybody is answered',
      found: cause instanceof Error ? cause.message : String(cause),
      fix: `Make ${folder} writable again, then ask again: nothing is let in that nobody would hear of`,
    },
    { cause },
  )
}
