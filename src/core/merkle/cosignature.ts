import { quote } from '#error'
import type { VerifierKey } from './key.ts'
import {
  encodeNote,
  encodeNoteSignature,
  malformedNote,
  parseNote,
  parseSignature,
  type NoteSignature,
} from './note.ts'
import { openNote, type KnownSignature } from './signature.ts'

const maxLines = 16

/** Reads what a witness answers: one signature line or more, not verified. */
export function parseSignatureLines(text: string): NoteSignature[] {
  const lines = text.split('\n')
  if (lines.pop() !== '' || lines.length === 0 || lines.length > maxLines)
    throw malformedNote(
      `1 to ${maxLines} signature lines, each with its line feed`,
      quote(text, 60),
    )
  return lines.map(parseSignature)
}

/** Signature lines as a witness answers them. */
export function encodeSignatureLines(signatures: readonly NoteSignature[]): string {
  return signatures.map(encodeNoteSignature).join('')
}

/**
 * The cosignatures that a witness has answered with, for a note whose text is `text`: those of `key`, verified. What
 * other keys have signed is left out.
 */
export function openCosignatures(
  answer: string,
  text: string,
  key: VerifierKey,
): readonly NoteSignature[] {
  const signatures = parseSignatureLines(answer)
  openNote(encodeNote({ text, signatures }), [key])
  return signatures.filter((one) => one.name === key.name && one.keyId === key.id)
}

/** The note with these signatures behind its own. One whose key has signed already takes the place of the older one. */
export function addSignatures(note: string, more: readonly NoteSignature[]): string {
  const { text, signatures } = parseNote(note)
  const isSame = (a: NoteSignature, b: NoteSignature): boolean =>
    a.name === b.name && a.keyId === b.keyId
  const kept = signatures.filter((one) => !more.some((newer) => isSame(one, newer)))
  return encodeNote({ text, signatures: [...kept, ...more] })
}

/** The note with the signatures of these keys, and no other: what strangers have added goes no further. */
export function onlySignaturesOf(note: string, keys: readonly VerifierKey[]): string {
  const { text, signatures } = parseNote(note)
  const known = signatures.filter((one) =>
    keys.some((key) => key.name === one.name && key.id === one.keyId),
  )
  return encodeNote({ text, signatures: known })
}

/** Which of these keys have signed a note; each such signature has been verified. One that does not verify refuses the note. */
export function signersOf(note: string, keys: readonly VerifierKey[]): readonly KnownSignature[] {
  const { signatures } = parseNote(note)
  const named = keys.filter((key) =>
    signatures.some((one) => one.name === key.name && one.keyId === key.id),
  )
  return named.length === 0 ? [] : openNote(note, named).signatures
}
