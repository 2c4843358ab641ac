import { verify } from 'node:crypto'
import { quote, SallyportError } from '#error'
import { parseCheckpointText } from './checkpoint-text.ts'
import { formatOf } from './key-format.ts'
import { describeKey, keyObjectOf, type VerifierKey } from './key.ts'
import { parseNote, type NoteSignature } from './note.ts'
import { decodeUint64, encodeUint64 } from './size.ts'

/** A signature that has been verified. */
export interface KnownSignature {
  readonly key: VerifierKey
  /** When the signer says it signed, in seconds since 1970; types 04 and 06 only. 0 says nothing about the time. */
  readonly time?: number
}

/** A note of which at least one signature has been verified, and no signature of a known key has failed. */
export interface OpenedNote {
  readonly text: string
  readonly signatures: readonly KnownSignature[]
}

/**
 * Verifies a signed note. Signatures of keys not given are ignored, whatever they are; one bad signature of a
 * key that is given refuses the whole note; none at all refuses it too.
 */
export function openNote(note: string | Uint8Array, keys: readonly VerifierKey[]): OpenedNote {
  const { text, signatures } = parseNote(note)
  const known = signatures.flatMap((signature) => {
    const key = keys.find(({ name, id }) => name === signature.name && id === signature.keyId)
    return key === undefined ? [] : [verifySignature(key, text, signature)]
  })
  if (known.length > 0) return { text, signatures: known }
  throw new SallyportError({
    code: 'NOTE_SIGNATURE_MISSING',
    where: quote(text.split('\n', 1)[0]),
    expected: `a signature of ${keys.map(describeKey).join(' or ')}`,
    found: `signatures of ${signatures.map(({ name }) => quote(name, 60)).join(', ')}`,
    fix: 'Give the verifier key of the log that signed this, or get the note from the log whose key you gave',
  })
}

/** The bytes that a key of this type signs for a note. `time` counts for types 04 and 06 only. */
export function signedMessage(
  key: Pick<VerifierKey, 'name' | 'type'>,
  text: string,
  time: number,
): Uint8Array {
  switch (key.type) {
    case 'ed25519':
    case 'ecdsa':
      return Buffer.from(text)
    case 'ed25519-cosignature':
      // tlog-cosignature: the message does not name the cosigner, so a key must not serve two of them.
      return Buffer.from(`cosignature/v1\ntime ${time}\n${text}`)
    case 'ml-dsa-44': {
      const { origin, size, root } = parseCheckpointText(text)
      return Buffer.concat([
        Buffer.from('subtree/v1\n\0'),
        vector(key.name),
        encodeUint64(time),
        vector(origin),
        encodeUint64(0),
        encodeUint64(size),
        root,
      ])
    }
  }
}

/** A signature made over `signedMessage`, as a note carries it. */
export function noteSignature(
  key: VerifierKey,
  signature: Uint8Array,
  time: number,
): NoteSignature {
  const stamp = formatOf(key.type).timeBytes > 0 ? encodeUint64(time) : new Uint8Array()
  return { name: key.name, keyId: key.id, bytes: Buffer.concat([stamp, signature]) }
}

function verifySignature(key: VerifierKey, text: string, { bytes }: NoteSignature): KnownSignature {
  const { timeBytes, signatureBytes = bytes.length } = formatOf(key.type)
  const whole = bytes.length === timeBytes + signatureBytes
  const time = whole && timeBytes > 0 ? decodeUint64(bytes) : 0
  const algorithm = key.type === 'ecdsa' ? 'sha256' : null
  const good =
    whole &&
    time !== undefined &&
    verify(algorithm, signedMessage(key, text, time), keyObjectOf(key), bytes.subarray(timeBytes))
  if (good) return timeBytes > 0 ? { key, time } : { key }
  throw new SallyportError({
    code: 'NOTE_SIGNATURE_INVALID',
    where: quote(text.split('\n', 1)[0]),
    expected: `the signature of ${describeKey(key)} over exactly this text`,
    found: `a ${key.type} signature that does not verify`,
    fix: 'Fetch the note again from the log; if it stays so, treat it as tampered with and tell the owner of the log',
  })
}

/** `opaque<1..2^8-1>` of RFC 8446. */
function vector(text: string): Uint8Array {
  const bytes = Buffer.from(text)
  if (bytes.length === 0 || bytes.length > 255)
    throw new SallyportError({
      code: 'CHECKPOINT_MALFORMED',
      where: quote(text, 60),
      expected: 'a name of 1 to 255 bytes, which is all that an ML-DSA-44 signature can cover',
      found: `${bytes.length} bytes`,
      fix: 'Choose a shorter origin for the log',
    })
  return Buffer.concat([Uint8Array.of(bytes.length), bytes])
}
