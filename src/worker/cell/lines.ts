import type { Readable } from 'node:stream'

/** The other side sent a line that is longer than anything it may say. */
export class LineError extends Error {
  override readonly name = 'LineError'
}

/** The lines of a stream, without their ends, bounded. Ends when the stream ends. */
export async function* readLines(stream: Readable, maxBytes: number): AsyncGenerator<string> {
  let parts: Buffer[] = []
  let size = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    let start = 0
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, start)) {
      yield Buffer.concat([...parts, chunk.subarray(start, end)]).toString('utf8')
      parts = []
      size = 0
      start = end + 1
    }
    parts.push(chunk.subarray(start))
    size += chunk.length - start
    if (size > maxBytes) throw new LineError(`a line of more than ${maxBytes} bytes`)
  }
}
