import type { Problem } from '#error'
import { emptyRoot, sameBytes } from './hash.ts'
import { consistencyHolds, type TreeHead } from './proof.ts'

/** What a log asks its signer to sign. */
export interface SigningRequest extends TreeHead {
  /** The proof that this tree extends the newest one signed; empty when the sizes are equal or nothing was signed. */
  readonly consistency: readonly Uint8Array[]
}

/**
 * Whether a signer that remembers `newest` may sign: undefined, or the problem that it MUST refuse with. It never
 * signs two histories: the new tree extends the newest one it remembers, or is the same one again (which a log asks for
 * when it crashed before it got the first answer). A signer that remembers nothing signs only the empty tree, so that
 * taking its memory away does not make it forget.
 *
 * The signer MUST hold its memory locked against other processes from reading `newest` until the new head is in it, MUST answer only
 * after that, and MUST give a signature only when that head is durable.
 */
export function refuseToSign(
  newest: TreeHead | undefined,
  request: SigningRequest,
  origin: string,
): Problem | undefined {
  if (newest === undefined)
    return request.size === 0 ? refuseOther(request) : forgotten(request, origin)
  if (request.size < newest.size) return rolledBack(newest, request, origin)
  if (request.size === newest.size)
    return sameBytes(request.root, newest.root) ? undefined : forked(newest, request, origin)
  const extendsNewest =
    newest.size === 0
      ? request.consistency.length === 0
      : consistencyHolds(newest, request, request.consistency)
  return extendsNewest ? undefined : inconsistent(newest, request, origin)
}

function refuseOther(request: TreeHead): Problem | undefined {
  if (sameBytes(request.root, emptyRoot)) return undefined
  return {
    code: 'CONSISTENCY_PROOF_INVALID',
    expected: `root ${base64(emptyRoot)} for a log without entries`,
    found: base64(request.root),
    fix: 'Ask with the root of the empty tree',
  }
}

function forgotten({ size }: TreeHead, origin: string): Problem {
  return {
    code: 'LOG_MEMORY_MISSING',
    where: `signer of ${origin}`,
    expected: 'its memory of the newest checkpoint it signed, or a log without entries',
    found: `no memory, and a log of ${size} entries`,
    fix: 'Restore the memory file of the signer from its backup. Without it nobody can tell whether this log is complete',
  }
}

function rolledBack(newest: TreeHead, request: TreeHead, origin: string): Problem {
  return {
    code: 'LOG_ROLLED_BACK',
    where: `signer of ${origin}`,
    expected: `at least ${newest.size} entries, the newest size it remembers`,
    found: `${request.size} entries`,
    fix: `Restore the newest copy of the log: ${newest.size - request.size} entries that it remembers are missing from this one`,
  }
}

function forked(newest: TreeHead, request: TreeHead, origin: string): Problem {
  return {
    code: 'LOG_FORKED',
    where: `signer of ${origin}`,
    expected: `root ${base64(newest.root)} at size ${newest.size}, which it remembers`,
    found: base64(request.root),
    fix: 'Restore the copy of the log that was signed: this one has other entries. Run `sallyport log verify` on both',
  }
}

function inconsistent(newest: TreeHead, request: SigningRequest, origin: string): Problem {
  return {
    code: 'CONSISTENCY_PROOF_INVALID',
    where: `signer of ${origin}`,
    expected: `a proof that size ${request.size} extends size ${newest.size}, root ${base64(newest.root)}, which it remembers`,
    found: `a proof of ${request.consistency.length} hashes that does not show it`,
    fix: 'Run `sallyport log verify`: the stored log is not the one that was signed before, or is damaged',
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
