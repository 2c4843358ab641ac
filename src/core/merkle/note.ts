import { quote, SallyportError } from '#error'
import { decodeBase64, isKeyName } from './key.ts'

/** One signature line of a note: not yet verified. */
export interface NoteSignature {
  readonly name: string
  readonly keyId: number
  /** The bytes after the key id. */
  readonly bytes: Uint8Array
}

/** A signed note, taken apart but not verified: its text is not to be used before `openNote` or `openCheckpoint`. */
export interface Note {
  /** The text with its final newline, without the blank line. */
  readonly text: string
  readonly signatures: readonly NoteSignature[]
}

const maxBytes = 1_000_000
const maxSignatures = 100

/** Takes a signed note apart at its last blank line (C2SP signed-note). */
export function parseNote(note: string | Uint8Array): Note {
  if (note.length > maxBytes) throw malformedNote(`at most ${maxBytes} bytes`, `${note.length}`)
  const whole = typeof note === 'string' ? note : decode(note)
  // oxlint-disable-next-line no-control-regex -- these are what a note must not hold
  if (!whole.isWellFormed() || /[\u0000-\u0009\u000b-\u001f]/.test(whole))
    throw malformedNote('UTF-8 text without control characters', quote(whole))
  const end = whole.lastIndexOf('\n\n')
  if (end < 0 || !whole.endsWith('\n'))
    throw malformedNote('a text, a blank line, and signature lines', quote(whole))
  const lines = whole.slice(end + 2, -1).split('\n')
  if (lines.length > maxSignatures)
    throw malformedNote(`at most ${maxSignatures} signatures`, `${lines.length}`)
  return { text: whole.slice(0, end + 1), signatures: lines.map(parseSignature) }
}

/** Writes a note: text, blank line, one line for each signature. */
export function encodeNote({ text, signatures }: Note): string {
  return `${text}\n${signatures.map(encodeNoteSignature).join('')}`
}

/** One signature line with its newline. */
export function encodeNoteSignature({ name, keyId, bytes }: NoteSignature): string {
  const id = Buffer.alloc(4)
  id.writeUInt32BE(keyId)
  return `— ${name} ${Buffer.concat([id, bytes]).toString('base64')}\n`
}

/** Reads one signature line, without its newline. */
export function parseSignature(line: string): NoteSignature {
  const [, name = '', base64 = ''] = /^— ([^ ]+) ([^ ]+)$/.exec(line) ?? []
  const bytes = decodeBase64(base64)
  if (!isKeyName(name) || bytes === undefined || bytes.length < 5)
    throw malformedNote('a signature line: "— <key name> <base64>"', quote(line))
  return { name, keyId: bytes.readUInt32BE(0), bytes: bytes.subarray(4) }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw malformedNote('UTF-8 text', 'bytes that are not UTF-8', cause)
  }
}

export function malformedNote(expected: string, found: string, cause?: unknown): SallyportError {
  return new SallyportError(
    {
      code: 'NOTE_MALFORMED',
      where: 'signed note',
      expected,
      found,
      fix: 'Fetch the note again from the log: this copy is damaged or is not a signed note',
    },
    { cause },
  )
}
