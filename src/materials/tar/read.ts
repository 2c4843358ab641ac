import { createGunzip } from 'node:zlib'
import { pipeline, Readable } from 'node:stream'
import { Parser, type ReadEntry } from 'tar'
import { quote, SallyportError } from '#error'

/** One entry as an archive has it: nothing about it is safe yet but its type and its size. */
export interface ArchiveEntry {
  readonly kind: 'file' | 'directory' | 'symlink' | 'hardlink'
  readonly path: string
  readonly mode: number
  readonly size: number
  /** Where a link leads, as written. */
  readonly target: string
}

/** Bounds on what an archive may hold. */
export interface TarLimits {
  readonly maxEntries: number
  /** Bytes of the archive after decompression. */
  readonly maxBytes: number
}

/** Bounds that hold where the caller sets none. */
export const defaultTarLimits: TarLimits = { maxEntries: 200_000, maxBytes: 4 * 1024 ** 3 }

/** How an archive is read. */
export interface ReadTarOptions {
  /** What the archive is, for messages. */
  readonly what: string
  readonly limits?: TarLimits
  /** Called for each entry in the archive's order; gives what takes the content of a file, or nothing to pass over it. */
  readonly onEntry: (entry: ArchiveEntry) => ((chunk: Uint8Array) => void) | undefined
}

/**
 * Reads a tar archive (plain or gzip) that an attacker may have made: bounded in entries and in bytes after
 * decompression, strict about damage, and refusing whatever is not a file, a folder or a link. Names and link targets
 * are given as written; who uses them checks them.
 *
 * @throws SallyportError TAR_MALFORMED, TAR_TOO_LARGE, TAR_ENTRY_TYPE
 */
export async function readTar(
  chunks: AsyncIterable<Uint8Array>,
  options: ReadTarOptions,
): Promise<void> {
  const limits = options.limits ?? defaultTarLimits
  let total = 0
  const reader = openReader(options, limits)
  for await (const chunk of decompress(chunks, options.what)) {
    total += chunk.length
    if (total > limits.maxBytes)
      throw tooLarge(options.what, `at most ${limits.maxBytes} bytes`, 'more')
    reader.write(chunk)
  }
  reader.end()
}

interface Reader {
  write(chunk: Uint8Array): void
  end(): void
}

function openReader(options: ReadTarOptions, limits: TarLimits): Reader {
  let failure: Error | undefined
  let finished = false
  let entries = 0
  const fail = (error: Error): void => {
    failure ??= error
  }
  // Decompression is ours, so that its size is bounded whatever the parser buffers.
  const parser = new Parser({ strict: true, gzip: false, brotli: false, zstd: false })
  parser.on('error', (cause) => fail(malformed(options.what, messageOf(cause), cause)))
  parser.on('eof', () => {
    finished = true
  })
  parser.on('ignoredEntry', (entry: ReadEntry) => fail(typeRefused(entry, options.what)))
  parser.on('entry', (entry: ReadEntry) => {
    entries += 1
    if (entries > limits.maxEntries)
      fail(tooLarge(options.what, `at most ${limits.maxEntries} entries`, 'more'))
    try {
      if (failure === undefined) consume(entry, options)
    } catch (error) {
      fail(error as Error)
    }
    entry.resume()
  })
  const check = (): void => {
    if (failure !== undefined) throw failure
  }
  return {
    write(chunk) {
      // After its end mark an archive may be padded without end; nothing behind the mark is part of it.
      if (!finished) parser.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length))
      check()
    },
    end() {
      // Its end mark ends an archive, also one with nothing in it, which the parser by itself would not believe.
      if (!finished) parser.end()
      check()
      if (!finished) throw malformed(options.what, 'no end mark: the archive is cut off')
    },
  }
}

function consume(entry: ReadEntry, options: ReadTarOptions): void {
  const sink = options.onEntry({
    kind: kindOf(entry, options.what),
    path: entry.path,
    mode: entry.mode ?? 0o644,
    size: entry.size,
    target: entry.linkpath ?? '',
  })
  if (sink !== undefined) entry.on('data', (chunk) => sink(chunk))
}

const kinds: Readonly<Record<string, ArchiveEntry['kind']>> = {
  File: 'file',
  OldFile: 'file',
  ContiguousFile: 'file',
  Directory: 'directory',
  SymbolicLink: 'symlink',
  Link: 'hardlink',
}

function kindOf(entry: ReadEntry, what: string): ArchiveEntry['kind'] {
  const kind = kinds[entry.type]
  if (kind === undefined) throw typeRefused(entry, what)
  return kind
}

async function* decompress(
  chunks: AsyncIterable<Uint8Array>,
  what: string,
): AsyncGenerator<Uint8Array> {
  const { first, all } = await peek(chunks)
  if (first[0] !== 0x1f || first[1] !== 0x8b) {
    yield* all
    return
  }
  const gunzip = createGunzip()
  const input = Readable.from(all, { objectMode: false })
  // A failure is reported where the output is read.
  pipeline(input, gunzip, () => {})
  try {
    for await (const chunk of gunzip) yield chunk as Uint8Array
  } catch (cause) {
    throw cause instanceof SallyportError ? cause : malformed(what, messageOf(cause), cause)
  } finally {
    input.destroy()
    gunzip.destroy()
  }
}

async function peek(
  chunks: AsyncIterable<Uint8Array>,
): Promise<{ first: Uint8Array; all: AsyncIterable<Uint8Array> }> {
  const iterator = chunks[Symbol.asyncIterator]()
  let first: Uint8Array = new Uint8Array()
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
    first = Buffer.concat([first, next.value])
    if (first.length >= 2) break
  }
  return { first, all: rest(first, iterator) }
}

async function* rest(
  first: Uint8Array,
  iterator: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    yield first
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next())
      yield next.value
  } finally {
    await iterator.return?.()
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}

function malformed(what: string, found: string, cause?: unknown): SallyportError {
  return new SallyportError(
    {
      code: 'TAR_MALFORMED',
      where: what,
      expected: 'a well-formed tar archive',
      found: quote(found),
      fix: 'Get the archive again from where it is published; if it stays so, ask who publishes it',
    },
    { cause },
  )
}

function tooLarge(what: string, expected: string, found: string): SallyportError {
  return new SallyportError({
    code: 'TAR_TOO_LARGE',
    where: what,
    expected,
    found,
    fix: 'Use a smaller archive; nothing that is built from is meant to be this large',
  })
}

function typeRefused(entry: ReadEntry, what: string): SallyportError {
  return new SallyportError({
    code: 'TAR_ENTRY_TYPE',
    where: `${what}: ${quote(entry.path)}`,
    expected: 'a file, a folder or a link',
    found: entry.meta ? 'an extended header over 1 MiB' : `an entry of type ${quote(entry.type)}`,
    fix: `Remove ${quote(entry.path)} where the archive is made`,
  })
}
