import { sign as signBytes, type KeyObject } from 'node:crypto'
import { quote, SallyportError, type Problem } from '#error'
import {
  encodeSignatureLines,
  encodeVerifierKey,
  noteSignature,
  openCheckpoint,
  parseNote,
  parseVerifierKey,
  signedMessage,
  verifierKeyOf,
  type CheckpointKey,
  type LogIdentity,
  type TreeHead,
} from '#merkle'
import type { WitnessRole } from '../messages.ts'

interface WitnessKeys {
  readonly ed25519: KeyObject
  readonly mlDsa44: KeyObject
}

/** The signer of a witness inside the process. */
export interface WitnessKeeper {
  readonly verifierKeys: string[]
  /** Signature lines of both keys. */
  cosign(origin: string, checkpoint: string): string
}

/**
 * Cosigns what a log that it was told of has signed. Consistency is proven to the process that keeps the newest
 * checkpoint; here, whatever that process asks for, no tree is signed that is smaller than one before, or another of
 * the same size.
 */
export function openWitnessSigner(options: {
  readonly role: WitnessRole
  readonly keys: WitnessKeys
}): WitnessKeeper {
  const { role, keys } = options
  const signing = [
    signingKey(role.name, 'ed25519-cosignature', keys.ed25519),
    signingKey(role.name, 'ml-dsa-44', keys.mlDsa44),
  ]
  const logs = new Map<string, LogIdentity>(
    role.logs.map(({ origin, verifierKeys }) => [
      origin,
      { origin, verifierKeys: verifierKeys.map(parseVerifierKey) },
    ]),
  )
  const newest = new Map<string, TreeHead>()
  return {
    verifierKeys: signing.map(({ key }) => encodeVerifierKey(key)),
    cosign(origin, checkpoint) {
      const log = logs.get(origin)
      if (log === undefined) throw new SallyportError(unknown(origin))
      const { size, root } = openCheckpoint(checkpoint, log)
      const problem = refuse(newest.get(origin), { size, root }, origin)
      if (problem !== undefined) throw new SallyportError(problem)
      const { text } = parseNote(checkpoint)
      const time = Math.floor(Date.now() / 1000)
      const signatures = signing.map(({ key, sign }) =>
        noteSignature(key, sign(signedMessage(key, text, time)), time),
      )
      newest.set(origin, { size, root })
      return encodeSignatureLines(signatures)
    },
  }
}

function signingKey(
  name: string,
  type: 'ed25519-cosignature' | 'ml-dsa-44',
  key: KeyObject,
): CheckpointKey {
  return {
    key: verifierKeyOf(name, type, key),
    sign: (message) => signBytes(null, message, key),
  }
}

function refuse(
  newest: TreeHead | undefined,
  { size, root }: TreeHead,
  origin: string,
): Problem | undefined {
  if (newest === undefined || size > newest.size) return undefined
  const where = `signer of a witness, log ${quote(origin)}`
  if (size < newest.size)
    return {
      code: 'LOG_ROLLED_BACK',
      where,
      expected: `at least ${newest.size} entries, the newest size it has cosigned`,
      found: `${size} entries`,
      fix: 'Ask for a checkpoint that is not older',
    }
  if (Buffer.compare(root, newest.root) === 0) return undefined
  return {
    code: 'LOG_FORKED',
    where,
    expected: `root ${base64(newest.root)} at size ${size}, which it has cosigned`,
    found: base64(root),
    fix: 'Stop the log: its keys have signed two histories. Keep both checkpoints as evidence',
  }
}

function unknown(origin: string): Problem {
  return {
    code: 'WITNESS_LOG_UNKNOWN',
    where: `signer of a witness, log ${quote(origin)}`,
    expected: 'a log that it was told of when it was started',
    found: 'none of this name',
    fix: 'Add the log under "logs" of witness.yaml, and start the witness again',
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
