import type { SallyportError } from '#error'
import { cloudBuildEnvelopes } from './cloud-build.ts'
import { refuse } from './field.ts'
import { looksLikeJws } from './jwt.ts'

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
 * JSON document could go on with it, or where a JWT is. A broken part spoils only itself.
 *
 * @throws SallyportError ATTESTATION_LIMIT for more than 1,024 attestations
 */
export function splitAttestations(bytes: Uint8Array): readonly Uint8Array[] {
  const parts: Line[] = []
  let inJson = false
  for (const line of lines(bytes)) {
    const isJwt = looksLikeJws(bytes, line.start, line.end)
    const last = parts.at(-1)
    if (last === undefined || isJwt || !inJson || startsNext(bytes, last, line)) parts.push(line)
    else parts[parts.length - 1] = { start: last.start, end: line.end }
    inJson = !isJwt
    if (parts.length > maxAttestations) throw tooMany(parts.length)
  }
  return parts.map(({ start, end }) => bytes.subarray(start, end)).flatMap(takeApart)
}

/** What gcloud prints about an image holds several envelopes; one that cannot be taken apart stays as it is. */
function takeApart(part: Uint8Array): readonly Uint8Array[] {
  if (!Buffer.from(part.buffer, part.byteOffset, part.length).includes('"provenance_summary"')) {
    return [part]
  }
  try {
    return cloudBuildEnvelopes(part)
  } catch {
    // `parseAttestation` reads it again, and says what is wrong with it.
    return [part]
  }
}

interface Line {
  readonly start: number
  readonly end: number
}

/** The lines that are not blank, without the white space around them. */
function* lines(bytes: Uint8Array): Generator<Line> {
  let start = -1
  let end = -1
  for (let index = 0; index <= bytes.length; index += 1) {
    const byte = bytes[index] ?? newline
    if (byte === newline) {
      if (start !== -1) yield { start, end }
      start = -1
    } else if (!isSpace(byte)) {
      if (start === -1) start = index
      end = index + 1
    }
  }
}

function startsNext(bytes: Uint8Array, last: Line, line: Line): boolean {
  const [before, first] = [bytes[last.end - 1], bytes[line.start]]
  if (before === closeBrace && !afterObject.has(first)) return true
  return first === openBrace && !beforeObject.has(before)
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d
}

function tooMany(found: number): SallyportError {
  return refuse(
    'ATTESTATION_LIMIT',
    'attestations',
    `at most ${maxAttestations} in one file`,
    `${found} or more`,
    'Put the attestations of this artifact alone into the file',
  )
}
