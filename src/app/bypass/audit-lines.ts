import { SallyportError } from '#error'
import { openRegular } from '../read-regular.ts'
import { maxLineBytes } from './audit-event.ts'

export interface AuditLine {
  /** `FILE:LINE`. */
  readonly where: string
  /** Undefined for a line that is longer than any event. */
  readonly bytes: Uint8Array | undefined
}

const lineFeed = 0x0a

/**
 * The lines of a file, one after the other: never more than one of them in memory, however long somebody made it.
 *
 * @throws SallyportError FILE_UNREADABLE
 */
export async function* auditLines(file: string): AsyncGenerator<AuditLine> {
  let parts: Buffer[] = []
  let size = 0
  let number = 1
  const take = (): AuditLine => {
    const bytes = size > maxLineBytes ? undefined : Buffer.concat(parts)
    const line = { where: `${file}:${number}`, bytes }
    parts = []
    size = 0
    number += 1
    return line
  }
  const keep = (part: Buffer): void => {
    size += part.length
    if (size <= maxLineBytes) parts.push(part)
    else parts = []
  }
  try {
    await using handle = await openRegular(file)
    const chunks = handle.createReadStream({ autoClose: false }) as AsyncIterable<Buffer>
    for await (const chunk of chunks) {
      let from = 0
      for (let end = chunk.indexOf(lineFeed); end !== -1; end = chunk.indexOf(lineFeed, from)) {
        keep(chunk.subarray(from, end))
        yield take()
        from = end + 1
      }
      keep(chunk.subarray(from))
    }
  } catch (cause) {
    throw unreadable(file, cause)
  }
  if (size > 0) yield take()
}

function unreadable(file: string, cause: unknown): SallyportError {
  return new SallyportError(
    {
      code: 'FILE_UNREADABLE',
      where: file,
      expected: 'an audit log of an API server, one event in each line',
      found: (cause as NodeJS.ErrnoException).code ?? 'an unknown error',
      fix: 'Correct the path: it is what `--audit-log-path` of the API server names; write into a file first what a pipe would give',
    },
    { cause },
  )
}
