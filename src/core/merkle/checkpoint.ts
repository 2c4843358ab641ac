import { quote, SallyportError } from '#error'
import { encodeCheckpointText, parseCheckpointText, type Checkpoint } from './checkpoint-text.ts'
import { describeKey, parseVerifierKey, type VerifierKey } from './key.ts'
import { encodeNote } from './note.ts'
import { noteSignature, openNote, signedMessage, type KnownSignature } from './signature.ts'

/** A checkpoint whose origin is the expected one and which every expected key has signed. Only `openCheckpoint` makes it. */
export interface OpenedCheckpoint extends Checkpoint {
  readonly signatures: readonly KnownSignature[]
  /** The whole signed note, as it was read. */
  readonly note: string
}

/** Who a log is: its origin, and the keys that sign each of its checkpoints. */
export interface LogIdentity {
  readonly origin: string
  /** vkeys. Every one of them must have signed: a verifier that would take either signature is as weak as the weaker key. */
  readonly verifierKeys: readonly (string | VerifierKey)[]
}

/** Verifies a signed checkpoint of one log. */
export function openCheckpoint(note: string, log: LogIdentity): OpenedCheckpoint {
  const keys = log.verifierKeys.map((key) =>
    typeof key === 'string' ? parseVerifierKey(key) : key,
  )
  if (keys.length === 0) throw new TypeError('a checkpoint cannot be verified without a key')
  const { text, signatures } = openNote(note, keys)
  const checkpoint = parseCheckpointText(text)
  if (checkpoint.origin !== log.origin) throw otherLog(log.origin, checkpoint.origin)
  const missing = keys.filter((key) => !signatures.some((signature) => signature.key === key))
  if (missing.length === 0) return { ...checkpoint, signatures, note }
  throw new SallyportError({
    code: 'NOTE_SIGNATURE_MISSING',
    where: `checkpoint of size ${checkpoint.size}`,
    expected: `signatures of ${keys.map(describeKey).join(' and ')}`,
    found: `none of ${missing.map(describeKey).join(' and ')}`,
    fix: 'Fetch the checkpoint again from the log: a signature has been left out',
  })
}

/** A key with the function that signs with it. `sign` gets the bytes themselves, not a hash of them. */
export interface CheckpointKey {
  readonly key: VerifierKey
  readonly sign: (message: Uint8Array) => Uint8Array
}

/** The same, for a function that signs beside everything else. */
export interface LateCheckpointKey {
  readonly key: VerifierKey
  readonly sign: (message: Uint8Array) => Promise<Uint8Array>
}

/** Signs a checkpoint with every key. `time` is seconds since 1970; types 04 and 06 sign it. */
export function signCheckpoint(
  checkpoint: Omit<Checkpoint, 'extensions'>,
  keys: readonly CheckpointKey[],
  time: number,
): string {
  const text = encodeCheckpointText(checkpoint)
  const signatures = keys.map(({ key, sign }) =>
    noteSignature(key, sign(signedMessage(key, text, time)), time),
  )
  return encodeNote({ text, signatures })
}

/** As `signCheckpoint`, with all keys at the same time. */
export async function signCheckpointLate(
  checkpoint: Omit<Checkpoint, 'extensions'>,
  keys: readonly LateCheckpointKey[],
  time: number,
): Promise<string> {
  const text = encodeCheckpointText(checkpoint)
  const signing = keys.map(async ({ key, sign }) =>
    noteSignature(key, await sign(signedMessage(key, text, time)), time),
  )
  return encodeNote({ text, signatures: await Promise.all(signing) })
}

function otherLog(expected: string, found: string): SallyportError {
  return new SallyportError({
    code: 'CHECKPOINT_ORIGIN',
    where: 'checkpoint, line 1',
    expected: quote(expected),
    found: quote(found),
    fix: `Use a checkpoint or receipt of the log ${quote(expected)}, or the verifier key of ${quote(found)}`,
  })
}
