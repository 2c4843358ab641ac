import { PassThrough, Readable } from 'node:stream'
import { quote, SallyportError } from '#error'
import type { Git } from './git.ts'
import type { GitEntry } from './tree.ts'

/** The contents of objects, in the order in which they are listed, from one `git cat-file --batch`. */
export interface Contents {
  /** The next object, which must be this entry's. To be read to its end before the next. */
  next(entry: GitEntry): AsyncGenerator<Uint8Array>
  /** Ends git and says whether it ended well. */
  close(): Promise<void>
}

export function openContents(git: Git, entries: readonly GitEntry[]): Contents {
  const args = ['cat-file', '--batch', '--buffer']
  const running = git.start(args)
  Readable.from(entries.map(({ object }) => `${object}\n`)).pipe(running.stdin)
  // Node throws away what nobody has begun to read when a program ends, and a small tree is there at once.
  const reader = readerOf(running.stdout.pipe(new PassThrough()))
  return {
    async *next(entry) {
      const header = await reader.line()
      const expected = `${entry.object} blob ${entry.size}`
      if (header !== expected) throw damaged(entry, expected, header)
      yield* reader.bytes(entry.size)
      await reader.line()
    },
    async close() {
      running.stdin.end()
      running.stdout.resume()
      git.check(await running.exit, args)
    },
  }
}

interface ByteReader {
  line(): Promise<string>
  bytes(count: number): AsyncGenerator<Uint8Array>
}

function readerOf(stream: Readable): ByteReader {
  const iterator = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  let rest: Buffer = Buffer.alloc(0)
  const more = async (): Promise<boolean> => {
    const next = await iterator.next()
    if (next.done === true) return false
    rest = rest.length === 0 ? next.value : Buffer.concat([rest, next.value])
    return true
  }
  return {
    async line() {
      let end = rest.indexOf(0x0a)
      while (end === -1 && rest.length < 256 && (await more())) end = rest.indexOf(0x0a)
      if (end === -1) return rest.toString('latin1', 0, 256)
      const line = rest.toString('latin1', 0, end)
      rest = rest.subarray(end + 1)
      return line
    },
    async *bytes(count) {
      let left = count
      while (left > 0) {
        if (rest.length === 0 && !(await more())) return
        const piece = rest.subarray(0, left)
        rest = rest.subarray(piece.length)
        left -= piece.length
        yield piece
      }
    },
  }
}

function damaged(entry: GitEntry, expected: string, found: string): SallyportError {
  return new SallyportError({
    code: 'SOURCE_DAMAGED',
    where: quote(entry.path),
    expected: quote(expected),
    found: quote(found),
    fix: 'Run `git fsck` in the repository that is built from, and repair what it reports',
  })
}
