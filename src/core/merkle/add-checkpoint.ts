import { quote, SallyportError } from '#error'
import { hashSize } from './hash.ts'
import { decodeBase64 } from './key.ts'
import { parseDecimal } from './size.ts'

/** What a log asks a witness (C2SP tlog-witness, add-checkpoint): taken apart, not verified. */
export interface AddCheckpoint {
  /** The size of the newest checkpoint that the witness has cosigned, as far as the log knows. */
  readonly old: number
  /** That the tree of the checkpoint extends the one of the old size. */
  readonly consistency: readonly Uint8Array[]
  /** The signed note, as it was sent. */
  readonly checkpoint: string
}

const maxHashes = 63

/** Writes the body of a request. */
export function encodeAddCheckpoint({ old, consistency, checkpoint }: AddCheckpoint): string {
  const hashes = consistency.map((hash) => `${Buffer.from(hash).toString('base64')}\n`)
  return `old ${old}\n${hashes.join('')}\n${checkpoint}`
}

/** Reads the body of a request. */
export function parseAddCheckpoint(body: Uint8Array): AddCheckpoint {
  const text = decode(body)
  // The head has no empty line, so the first one ends it; the checkpoint has one of its own further down.
  const end = text.indexOf('\n\n')
  if (end === -1) throw malformed('an old size, hashes, an empty line, a checkpoint', quote(text))
  const [first = '', ...lines] = text.slice(0, end).split('\n')
  const old = first.startsWith('old ') ? parseDecimal(first.slice(4)) : undefined
  if (old === undefined) throw malformed('"old " and a size from 0 to 2^53 - 1', quote(first, 60))
  if (lines.length > maxHashes) throw malformed(`at most ${maxHashes} hashes`, `${lines.length}`)
  return { old, consistency: lines.map(decodeHash), checkpoint: text.slice(end + 2) }
}

function decode(body: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
  } catch (cause) {
    throw malformed('UTF-8 text', 'bytes that are not UTF-8', cause)
  }
}

function decodeHash(line: string): Uint8Array {
  const hash = decodeBase64(line)
  if (hash?.length === hashSize) return hash
  throw malformed(`a hash of ${hashSize} bytes in base64`, quote(line, 60))
}

function malformed(expected: string, found: string, cause?: unknown): SallyportError {
  return new SallyportError(
    {
      code: 'WITNESS_REQUEST_MALFORMED',
      where: 'add-checkpoint',
      expected,
      found,
      fix: 'Send the body as https://c2sp.org/tlog-witness has it, with "\\n" at the end of each line',
    },
    { cause },
  )
}
