import { sign as signBytes, type KeyObject } from 'node:crypto'
import type { JsonObject } from '#document'
import { SallyportError } from '#error'
import {
  emptyRoot,
  encodeVerifierKey,
  refuseToSign,
  signCheckpoint,
  verifierKeyOf,
  type CheckpointKey,
  type TreeHead,
} from '#merkle'
import { CheckpointMemory } from '../memory.ts'
import type { LogRole } from '../messages.ts'

interface LogKeys {
  readonly ed25519: KeyObject
  readonly mlDsa44: KeyObject
}

/** The log's signer inside the process. */
export interface LogKeeper {
  readonly verifierKeys: string[]
  newest(): JsonObject
  sign(request: {
    readonly size: number
    readonly root: string
    readonly consistency: readonly string[]
  }): string
}

/** Begins the memory of a log's signer with a signed checkpoint of the empty log. */
export function createMemory({ role, keys }: { role: LogRole; keys: LogKeys }): string {
  const note = signNote(role, checkpointKeys(role, keys), { size: 0, root: emptyRoot })
  CheckpointMemory.create(role.memoryFile, note)
  return note
}

export function openLogSigner({ role, keys }: { role: LogRole; keys: LogKeys }): LogKeeper {
  const signing = checkpointKeys(role, keys)
  const identity = { origin: role.origin, verifierKeys: signing.map(({ key }) => key) }
  const memory = new CheckpointMemory(role.memoryFile, identity)
  // A memory that is lost or damaged is found now, not when a decision waits for its receipt.
  memory.newest()
  return {
    verifierKeys: identity.verifierKeys.map((key) => encodeVerifierKey(key)),
    newest: () => {
      const { size, root } = memory.newest()
      return { size, root: Buffer.from(root).toString('base64') }
    },
    sign: ({ size, root, consistency }) => {
      const head = { size, root: decode(root) }
      return memory.advance(head, (newest) => {
        const request = { ...head, consistency: consistency.map(decode) }
        const problem = refuseToSign(newest, request, role.origin)
        if (problem !== undefined) throw new SallyportError(problem)
        return signNote(role, signing, head)
      })
    },
  }
}

function checkpointKeys({ origin }: LogRole, keys: LogKeys): CheckpointKey[] {
  return [
    signingKey(origin, 'ed25519', keys.ed25519),
    signingKey(origin, 'ml-dsa-44', keys.mlDsa44),
  ]
}

function signingKey(origin: string, type: 'ed25519' | 'ml-dsa-44', key: KeyObject): CheckpointKey {
  return {
    key: verifierKeyOf(origin, type, key),
    sign: (message) => signBytes(null, message, key),
  }
}

function signNote(role: LogRole, keys: readonly CheckpointKey[], head: TreeHead): string {
  const seconds = Math.floor(Date.now() / 1000)
  return signCheckpoint({ origin: role.origin, ...head }, keys, seconds)
}

function decode(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'))
}
