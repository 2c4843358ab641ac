import { basename } from 'node:path'
import { quote, SallyportError } from '#error'
import type { Network } from '../artifact/network.ts'
import { parseArtifactName } from '../artifact/name.ts'
import { findArtifact, type FoundArtifact } from '../artifact/resolve.ts'
import type { PinnedFiles } from './pinned.ts'
import type { PinnedArtifact } from './placeholders.ts'

/** An artifact that is asked about, and what a command is given for it. */
export interface Asked {
  readonly found: FoundArtifact
  readonly pinned: PinnedArtifact
}

/**
 * Finds what a person named, and pins it: of a file a copy is decided about and deployed, of an image its digest. Without
 * `files` nothing is going to be deployed, and nothing is copied.
 *
 * @throws SallyportError EVIDENCE_…, GATE_UNPINNED
 */
export async function findPinned(
  typed: string,
  network: Network,
  files: PinnedFiles | undefined,
): Promise<Asked> {
  const { kind } = parseArtifactName(typed)
  if (files === undefined) return asked(typed, await findArtifact(typed, network))
  if (kind === 'npm') throw notPinnable(typed)
  if (kind !== 'file') return asked(typed, await findArtifact(typed, network))
  const path = await files.copy(typed).catch(async (error: unknown) => {
    // Why a file cannot be taken is told in one way everywhere.
    await findArtifact(typed, network)
    throw error
  })
  const copy = await findArtifact(path, network)
  const found: FoundArtifact = {
    ...copy,
    name: basename(typed),
    typed,
    // What vouches for it lies beside the original.
    source: { kind: 'beside', artifact: typed },
  }
  return { found, pinned: { typed, value: path, digest: `sha256:${found.digest.sha256}` } }
}

function asked(typed: string, found: FoundArtifact): Asked {
  const digest = `sha256:${found.digest.sha256}`
  return { found, pinned: { typed, value: valueOf(typed, found), digest } }
}

/** Tools that copy images refuse a name with both, and a tag says nothing that the digest does not. */
function valueOf(typed: string, { kind, name, digest }: FoundArtifact): string {
  if (kind === 'file') return typed
  return kind === 'digest'
    ? `sha256:${digest.sha256}`
    : name.replace(/:[\w.-]{1,128}(?=@sha256:[0-9a-f]{64}$)/, '')
}

function notPinnable(typed: string): SallyportError {
  return new SallyportError({
    code: 'GATE_UNPINNED',
    where: quote(typed, 200),
    expected: 'bytes that can be handed to the command',
    found: 'a name of which a registry says what it means',
    fix: 'Fetch the package with `npm pack`, and name the file',
  })
}
