import { tooMuch } from './field.ts'
import { looksLikeJws, maxTokenBytes } from './jwt.ts'

const maxAttestations = 1024
const newline = 0x0a
const openBrace = 0x7b
const closeBrace = 0x7d
/** What may stand before an object and after one inside of a JSON document: `[` `,` `:` and `,` `]` `}`. */
const beforeObject: ReadonlySet<number | undefined> = new Set([0x5b, 0x2c, 0x3a])
const afterObject: ReadonlySet<number | undefined> = new Set([0x2c, 0x5d, 0x7d])

/**
 * Splits a file into its attestations: JSON lines, one JSON document on any number of lines, several such
 * documents, or compact JWTs, one a line. White space around each is left out, so that an attestation has the
 * same bytes, and digest, in every file that holds it.
 *
 * The split needs no parsing and cannot fail on what is written: a line starts the next attestation where no
 * JSON document could go on with it, and no line of JSON is a bare JWT. A broken part spoils only itself.
 *
 * @throws SallyportError ATTESTATION_LIMIT for more than 1,024 attestations
 */
export function splitAttestations(bytes: Uint8Array): readonly Uint8Array[] {
  const parts: Line[] = []
  let inJson = false
  for (const line of lines(bytes)) {
    const isJwt = isJwtLine(bytes, line)
    const last = parts.at(-1)
    if (last === undefined || isJwt || !inJson || startsNext(bytes, last, line)) parts.push(line)
    else parts[parts.length - 1] = { start: last.start, end: line.end }
    inJson = !isJwt
    if (parts.length > maxAttestations) {
      throw tooMuch('attestations', `at most ${maxAttestations} in one file`, parts.length)
    }
  }
  return parts.map(({ start, end }) => bytes.subarray(start, end))
}

interface Line {
  readonly start: number
  readonly end: number
}

/** The lines that are not blank, without the white space around them. */
function* lines(bytes: Uint8Array): Generator<Line> {
  let from = 0
  while (from < bytes.length) {
    const found = bytes.indexOf(newline, from)
    const to = found === -1 ? bytes.length : found
    let start = from
    let end = to
    while (start < end && isSpace(bytes[start])) start += 1
    while (end > start && isSpace(bytes[end - 1])) end -= 1
    if (end > start) yield { start, end }
    from = to + 1
  }
}

function startsNext(bytes: Uint8Array, last: Line, line: Line): boolean {
  const [before, first] = [bytes[last.end - 1], bytes[line.start]]
  if (before === closeBrace && !afterObject.has(first)) return true
  return first === openBrace && !beforeObject.has(before)
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d
}

function isJwtLine(bytes: Uint8Array, { start, end }: Line): boolean {
  if (bytes[start] === openBrace || end - start > maxTokenBytes) return false
  return looksLikeJws(Buffer.from(bytes.subarray(start, end)).toString('latin1'))
}
