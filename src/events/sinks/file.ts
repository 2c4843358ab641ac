import { constants } from 'node:fs'
import { mkdir, open, rename, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Sink } from '../sink.ts'

export interface FileSinkOptions {
  readonly path: string
  /** It is put aside, as `PATH.1`, before it is longer than this. */
  readonly maxBytes: number
  /** How many that were put aside are kept. */
  readonly keep: number
}

const most = 256
const chunk = 65_536
const lineFeed = 10

/**
 * Appends a line of JSON for each message. They are on the disk when it resolves. A line that a crash or a full disk cut
 * off is taken back before the next is written: whoever follows the file, line by line, never reads half of one.
 */
export function fileSink({ path, maxBytes, keep }: FileSinkOptions): Sink {
  return {
    name: `file ${path}`,
    most,
    async send(messages) {
      const bytes = Buffer.concat(messages.flatMap(({ body }) => [body, Buffer.from('\n')]))
      await mkdir(dirname(path), { recursive: true })
      let file = await openWhole(path)
      if (file.size > 0 && file.size + bytes.length > maxBytes) {
        await file.handle.close()
        await putAside(path, keep)
        file = await openWhole(path)
      }
      try {
        await append(file, bytes)
      } finally {
        await file.handle.close()
      }
    },
  }
}

interface Opened {
  readonly handle: FileHandle
  readonly size: number
}

async function append({ handle, size }: Opened, bytes: Uint8Array): Promise<void> {
  try {
    await handle.write(bytes, 0, bytes.length, size)
    const { size: now } = await handle.stat()
    if (now !== size + bytes.length) throw new Error(`${now - size} of ${bytes.length} bytes`)
    await handle.datasync()
  } catch (error) {
    await handle.truncate(size).catch(() => undefined)
    throw error
  }
}

/** Opens it for writing, to the end of its last whole line. */
async function openWhole(path: string): Promise<Opened> {
  // Readable by the group: who collects it should not have to be the gate.
  const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o640)
  try {
    const { size } = await handle.stat()
    const whole = await endOfLines(handle, size)
    if (whole < size) await handle.truncate(whole)
    return { handle, size: whole }
  } catch (error) {
    await handle.close()
    throw error
  }
}

async function endOfLines(handle: FileHandle, size: number): Promise<number> {
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - chunk)
    const { buffer, bytesRead } = await handle.read(
      Buffer.alloc(end - start),
      0,
      end - start,
      start,
    )
    const at = buffer.subarray(0, bytesRead).lastIndexOf(lineFeed)
    if (at >= 0) return start + at + 1
    end = start
  }
  return 0
}

async function putAside(path: string, keep: number): Promise<void> {
  for (let number = keep; number > 1; number -= 1)
    await rename(`${path}.${number - 1}`, `${path}.${number}`).catch(orNothing)
  if (keep > 0) await rename(path, `${path}.1`)
  else await (await open(path, constants.O_TRUNC | constants.O_WRONLY)).close()
}

function orNothing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}
