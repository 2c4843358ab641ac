import { quote, SallyportError } from '#error'
import { openCheckpoint, type LogIdentity, type OpenedCheckpoint } from './checkpoint.ts'
import { hashLeaf, hashSize } from './hash.ts'
import { decodeBase64 } from './key.ts'
import { inclusionHolds } from './proof.ts'
import { parseDecimal } from './size.ts'

/** A receipt (C2SP tlog-proof) taken apart, not verified. */
export interface TlogProof {
  readonly index: number
  /** From the leaf's sibling up. */
  readonly hashes: readonly Uint8Array[]
  /** The signed checkpoint, as it stands in the receipt. */
  readonly checkpoint: string
  /** Nothing vouches for this. */
  readonly extra?: Uint8Array
}

const firstLine = 'c2sp.org/tlog-proof@v1'
// A tree of 2^53 leaves is 53 high.
const maxHashes = 63
const maxCharacters = 2_000_000

/** Writes a receipt. */
export function encodeTlogProof({ index, hashes, checkpoint, extra }: TlogProof): string {
  const lines = [
    firstLine,
    ...(extra === undefined ? [] : [`extra ${Buffer.from(extra).toString('base64')}`]),
    `index ${index}`,
    ...hashes.map((hash) => Buffer.from(hash).toString('base64')),
  ]
  return `${lines.join('\n')}\n\n${checkpoint}`
}

/** Reads a receipt. */
export function parseTlogProof(text: string): TlogProof {
  if (text.length > maxCharacters)
    throw malformed(`at most ${maxCharacters} characters`, `${text.length}`)
  // The head has no empty line, so the first one ends it; the checkpoint has one of its own further down.
  const end = text.indexOf('\n\n')
  const [first, ...lines] = text.slice(0, Math.max(0, end)).split('\n')
  if (first !== firstLine) throw malformed(`"${firstLine}" and an empty line`, quote(text, 60))
  const extra =
    lines[0]?.startsWith('extra ') === true ? decode(lines.shift()?.slice(6)) : undefined
  const [, decimal = ''] = /^index ([0-9]+)$/.exec(lines.shift() ?? '') ?? []
  const index = parseDecimal(decimal)
  if (index === undefined)
    throw malformed('"index " and a number from 0 to 2^53 - 1', quote(text, 120))
  if (lines.length > maxHashes) throw malformed(`at most ${maxHashes} hashes`, `${lines.length}`)
  const hashes = lines.map((line) => decode(line, hashSize))
  return {
    index,
    hashes,
    checkpoint: text.slice(end + 2),
    ...(extra === undefined ? {} : { extra }),
  }
}

/** What a verified receipt proves: the entry is number `index` of the log that signed `checkpoint`. */
export interface LoggedEntry {
  readonly index: number
  readonly checkpoint: OpenedCheckpoint
}

/** Verifies a receipt offline: the checkpoint is signed by the log, and the entry is in it at the index that the receipt says. */
export function verifyTlogProof(text: string, entry: Uint8Array, log: LogIdentity): LoggedEntry {
  const { index, hashes, checkpoint: note } = parseTlogProof(text)
  const checkpoint = openCheckpoint(note, log)
  const leaf = { index, hash: hashLeaf(entry) }
  if (inclusionHolds(leaf, checkpoint, hashes)) return { index, checkpoint }
  throw new SallyportError({
    code: 'INCLUSION_PROOF_INVALID',
    where: `receipt for entry ${index} of ${quote(log.origin)}`,
    expected: `hashes that lead from leaf ${Buffer.from(leaf.hash).toString('base64')} to root ${Buffer.from(checkpoint.root).toString('base64')} of size ${checkpoint.size}`,
    found: `${hashes.length} hashes that do not`,
    fix: `Check that the receipt belongs to these bytes; get it anew with \`sallyport log receipt ${index}\``,
  })
}

function decode(text = '', size?: number): Uint8Array {
  const bytes = decodeBase64(text)
  if (bytes !== undefined && (size === undefined || bytes.length === size)) return bytes
  throw malformed(size === undefined ? 'base64' : `${size} bytes in base64`, quote(text))
}

function malformed(expected: string, found: string): SallyportError {
  return new SallyportError({
    code: 'TLOG_PROOF_MALFORMED',
    where: 'receipt',
    expected,
    found,
    fix: 'Get the receipt again with `sallyport log receipt INDEX`: this text is damaged or is not a receipt',
  })
}
