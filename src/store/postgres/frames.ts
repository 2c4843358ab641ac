/** A row with the largest body that is kept, in hexadecimal, is below this. */
const maxMessage = 256 * 1024 * 1024
const headBytes = 5
/** ErrorResponse and NoticeResponse: texts, each with a zero behind it, and one more behind all of them. */
const [error, notice] = [0x45, 0x4e]

/**
 * Follows the messages of a database (PostgreSQL, "Message Formats") in what comes, whose chunks begin and end anywhere.
 *
 * @throws Error for one that nobody can read to its end
 */
export function openFrames(): (chunk: Uint8Array) => void {
  const head = Buffer.alloc(headBytes)
  let headSize = 0
  let left = 0
  /** At the end of what has come of the message; two are as good as more. */
  let zeros = 0
  const begin = (): void => {
    const length = head.readUInt32BE(1)
    if (length < 4 || length > maxMessage) throw new Error(`a message of ${length} bytes`)
    left = length - 4
    // Behind nothing one zero is enough.
    zeros = 1
  }
  const end = (): void => {
    if ((head[0] === error || head[0] === notice) && zeros < 2)
      throw new Error('a message without an end')
    headSize = 0
  }
  return (chunk) => {
    for (let at = 0; at < chunk.length;) {
      if (headSize < headBytes) {
        head[headSize] = chunk[at] ?? 0
        headSize += 1
        at += 1
        if (headSize < headBytes) continue
        begin()
      }
      const some = chunk.subarray(at, at + left)
      zeros = zerosAtEnd(some, zeros)
      at += some.length
      left -= some.length
      if (left === 0) end()
    }
  }
}

/** How many, or two of them, when there were so many before. */
function zerosAtEnd(bytes: Uint8Array, before: number): number {
  if (bytes.length === 0) return before
  if (bytes.at(-1) !== 0) return 0
  return bytes.length === 1 ? before + 1 : bytes.at(-2) === 0 ? 2 : 1
}
