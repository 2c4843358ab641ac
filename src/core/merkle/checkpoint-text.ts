import { quote, SallyportError } from '#error'
import { hashSize } from './hash.ts'
import { decodeBase64 } from './key.ts'
import type { TreeHead } from './proof.ts'
import { parseDecimal } from './size.ts'

/** What a checkpoint says: not verified. */
export interface Checkpoint extends TreeHead {
  readonly origin: string
  /** Lines after the root. Ed25519 signatures cover them, ML-DSA-44 signatures do not: nothing may depend on them. */
  readonly extensions: readonly string[]
}

/** Reads the text of a checkpoint (C2SP tlog-checkpoint), which is the text of a note, without signatures. */
export function parseCheckpointText(text: string): Checkpoint {
  const lines = text.split('\n')
  const [origin = '', decimal = '', base64 = '', ...extensions] = lines.slice(0, -1)
  const size = parseDecimal(decimal)
  const root = decodeBase64(base64)
  if (lines.at(-1) !== '' || origin === '' || extensions.includes(''))
    throw malformed('lines that are not empty: origin, size, root', quote(text))
  if (size === undefined) throw malformed('a tree size from 0 to 2^53 - 1', quote(decimal, 40))
  if (root?.length !== hashSize)
    throw malformed('a root hash of 32 bytes in base64', quote(base64, 60))
  return { origin, size, root, extensions }
}

/** Writes the text of a checkpoint, without signatures. */
export function encodeCheckpointText({
  origin,
  size,
  root,
}: Omit<Checkpoint, 'extensions'>): string {
  const text = `${origin}\n${size}\n${Buffer.from(root).toString('base64')}\n`
  parseCheckpointText(text)
  return text
}

function malformed(expected: string, found: string): SallyportError {
  return new SallyportError({
    code: 'CHECKPOINT_MALFORMED',
    where: 'checkpoint',
    expected,
    found,
    fix: 'Fetch the checkpoint again from the log: this copy is damaged or is not a checkpoint',
  })
}
