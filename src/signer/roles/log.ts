import { hkdfSync, sign as signBytes, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import type { JsonObject } from '#document'
import { SallyportError } from '#error'
import {
  emptyRoot,
  encodeVerifierKey,
  refuseToSign,
  sameTree,
  signCheckpoint,
  signCheckpointLate,
  verifierKeyOf,
  type CheckpointKey,
  type LateCheckpointKey,
  type VerifierKey,
} from '#merkle'
import { CheckpointMemory } from '../memory.ts'
import type { LogRole } from '../messages.ts'

/** What a tree comes with that is to be remembered or signed; bytes in base64. */
interface TreeRequest {
  readonly size: number
  readonly root: string
  readonly consistency: readonly string[]
}

interface LogKeys {
  readonly ed25519: KeyObject
  readonly mlDsa44: KeyObject
}

/** The log's signer inside the process. */
export interface LogKeeper {
  readonly verifierKeys: string[]
  /** What those know each other by who may use this signer: 32 bytes, in base64. */
  readonly journalKey: string
  newest(): JsonObject
  /** Remembers a tree that extends the newest one: see `CheckpointMemory.advance`. */
  remember(request: TreeRequest): void
  /**
   * Remembers it, if it is not the newest one already, durably, and gives what has both keys sign its checkpoint: whatever is
   * remembered meanwhile extends it.
   */
  sign(request: TreeRequest): () => Promise<string>
}

/** Begins the memory of a log's signer with a signed checkpoint of the empty log. */
export function createMemory({ role, keys }: { role: LogRole; keys: LogKeys }): string {
  const both = signingKeys(role, keys).map(atOnce)
  const note = signCheckpoint({ origin: role.origin, size: 0, root: emptyRoot }, both, now())
  CheckpointMemory.create(role.memoryFile, note)
  return note
}

export function openLogSigner({ role, keys }: { role: LogRole; keys: LogKeys }): LogKeeper {
  const signing = signingKeys(role, keys)
  const identity = { origin: role.origin, verifierKeys: signing.map(({ key }) => key) }
  // ML-DSA-44 takes ten times as long, and a tree is remembered in every commit. What is remembered never leaves the memory:
  // there one signature tells what this signer wrote from what it did not.
  const own = signing.slice(0, 1).map(atOnce)
  const both = signing.map(late)
  const memory = new CheckpointMemory(
    role.memoryFile,
    identity,
    own.map(({ key }) => key),
  )
  // A memory that is lost or damaged is found now, not when a decision waits for its receipt.
  memory.newest()
  const remember = ({ size, root, consistency }: TreeRequest): void => {
    const head = { size, root: decode(root) }
    memory.advance(head, (newest) => {
      const request = { ...head, consistency: consistency.map(decode) }
      const problem = refuseToSign(newest, request, role.origin)
      if (problem !== undefined) throw new SallyportError(problem)
      return signCheckpoint({ origin: role.origin, ...head }, own, now())
    })
  }
  return {
    verifierKeys: identity.verifierKeys.map((key) => encodeVerifierKey(key)),
    journalKey: journalKeyOf(keys.ed25519, role.origin),
    newest: () => {
      const { size, root } = memory.newest()
      return { size, root: Buffer.from(root).toString('base64') }
    },
    remember,
    sign: (request) => {
      const head = { size: request.size, root: decode(request.root) }
      if (!sameTree(head, memory.newest())) remember(request)
      // Nobody is to have a signature of a tree that this signer could forget.
      memory.settle()
      return async () => signCheckpointLate({ origin: role.origin, ...head }, both, now())
    },
  }
}

/** Derived from the key, of which nothing is learned from it (HKDF, RFC 5869). */
function journalKeyOf(key: KeyObject, origin: string): string {
  const secret = key.export({ type: 'pkcs8', format: 'der' })
  const derived = hkdfSync('sha256', secret, '', `sallyport: journal of the log ${origin}`, 32)
  secret.fill(0)
  return Buffer.from(derived).toString('base64')
}

interface SigningKey {
  readonly key: VerifierKey
  readonly secret: KeyObject
}

function signingKeys({ origin }: LogRole, keys: LogKeys): readonly SigningKey[] {
  return [
    { key: verifierKeyOf(origin, 'ed25519', keys.ed25519), secret: keys.ed25519 },
    { key: verifierKeyOf(origin, 'ml-dsa-44', keys.mlDsa44), secret: keys.mlDsa44 },
  ]
}

function atOnce({ key, secret }: SigningKey): CheckpointKey {
  return { key, sign: (message) => signBytes(null, message, secret) }
}

/** On a thread of its own. */
function late({ key, secret }: SigningKey): LateCheckpointKey {
  return { key, sign: async (message) => signLater(null, message, secret) }
}

const signLater = promisify(
  (
    none: null,
    message: Uint8Array,
    key: KeyObject,
    done: (error: Error | null, signature: Buffer) => void,
  ) => signBytes(none, message, key, done),
)

function now(): number {
  return Math.floor(Date.now() / 1000)
}

function decode(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'))
}
