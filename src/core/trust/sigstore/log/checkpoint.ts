import { parseCheckpointText, parseNote, type Checkpoint } from '#merkle'
import { quote, SallyportError } from '#error'
import { verifyMessage } from '../keys/scheme.ts'
import { fetchAgain, refuse } from '../problem.ts'
import type { LogInstance } from '../root/trusted-root.ts'

/** Each costs a verification; an honest log signs once. */
const maxOwnSignatures = 2

/**
 * Verifies that a checkpoint is the log's own: signed by its key, under its name, for its tree. Signatures by others,
 * such as witnesses, are ignored; a false one in the log's name refuses the checkpoint (C2SP signed-note).
 *
 * @throws SallyportError SIGSTORE_LOG_CHECKPOINT
 */
export function verifyCheckpoint(note: string, log: LogInstance, where: string): Checkpoint {
  const { text, signatures } = read(() => parseNote(note), where)
  const known = signatures.filter(({ name, keyId }) => name === log.name && keyId === log.noteKeyId)
  if (known.length === 0) {
    const names = signatures.slice(0, 4).map(({ name }) => quote(name, 60))
    throw unlike(where, `a signature of ${quote(log.name)} with its key`, names.join(', '))
  }
  if (known.length > maxOwnSignatures) {
    throw unlike(where, `at most ${maxOwnSignatures} signatures of the log`, `${known.length}`)
  }
  const message = Buffer.from(text)
  if (!known.every(({ bytes }) => verifyMessage(log.scheme, log.key, message, bytes))) {
    throw unlike(where, `the signature of ${quote(log.name)} over this checkpoint`, 'another one')
  }
  const checkpoint = read(() => parseCheckpointText(text), where)
  if (!isOrigin(checkpoint.origin, log.name)) {
    throw unlike(where, `the origin ${quote(log.name)}`, quote(checkpoint.origin))
  }
  return checkpoint
}

/** Rekor v1 puts the id of the tree behind the name: `rekor.sigstore.dev - 1193050959916656506`. */
function isOrigin(origin: string, name: string): boolean {
  return (
    origin === name ||
    (origin.startsWith(`${name} - `) && /^[0-9]{1,20}$/.test(origin.slice(name.length + 3)))
  )
}

function read<T>(parse: () => T, where: string): T {
  try {
    return parse()
  } catch (cause) {
    if (!(cause instanceof SallyportError)) throw cause
    throw refuse('SIGSTORE_LOG_CHECKPOINT', where, cause.expected, cause.found, fetchAgain, cause)
  }
}

function unlike(where: string, expected: string, found: string): Error {
  return refuse('SIGSTORE_LOG_CHECKPOINT', where, expected, found, fetchAgain)
}
