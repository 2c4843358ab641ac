import { sha256Hex, type Path } from '#document'
import { quote, SallyportError, type Problem } from '#error'
import { parseTrustedRoot } from './sigstore/root/parse.ts'
import type { TrustedRoot } from './sigstore/root/trusted-root.ts'
import type { Signer } from './trust.ts'
import type { RootEntry } from './trust-schema.ts'

type Locate = (path: Path) => string

/** Reads the trusted roots that the trust file names, from the bytes that the caller has fetched. */
export function readRoots(
  entries: Readonly<Record<string, RootEntry>>,
  files: ReadonlyMap<string, Uint8Array>,
  locate: Locate,
  problems: Problem[],
): ReadonlyMap<string, TrustedRoot> {
  const roots = new Map<string, TrustedRoot>()
  for (const [name, entry] of Object.entries(entries)) {
    const root = readRoot(entry, files, locate(['sigstore', name]), problems)
    if (root !== undefined) roots.set(name, root)
  }
  return roots
}

function readRoot(
  { trustedRoot: file, sha256 }: RootEntry,
  files: ReadonlyMap<string, Uint8Array>,
  where: string,
  problems: Problem[],
): TrustedRoot | undefined {
  const bytes = files.get(file)
  if (bytes === undefined) {
    problems.push(missing(file, where))
    return undefined
  }
  const digest = sha256Hex(bytes)
  if (sha256 !== undefined && sha256 !== digest) {
    problems.push({
      code: 'TRUST_ROOT_DIGEST',
      where,
      expected: `${quote(file)} with sha256 ${sha256}`,
      found: `sha256 ${digest}`,
      fix: `Get the right ${quote(file)}, or, after comparing what has changed in it, write \`sha256: ${digest}\``,
    })
    return undefined
  }
  try {
    return parseTrustedRoot(bytes, { file })
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error
    problems.push(...error.problems)
    return undefined
  }
}

function missing(file: string, where: string): Problem {
  return {
    code: 'TRUST_ROOT_MISSING',
    where,
    expected: `the trusted root in ${quote(file)}`,
    found: 'no such file beside the trust file',
    fix: `Put the trusted_root.json of the instance at ${quote(file)}, from where the trust file is, or correct the path`,
  }
}

/** Names of roots that nobody has written down: then nobody knows whom to believe. */
export function findUnknownRoots(
  signers: readonly Signer[],
  known: ReadonlySet<string>,
): readonly Problem[] {
  const uses = signers.flatMap(({ identities, keys }) => [
    ...identities.map(({ root, where }) => ({ root, where, field: 'root' })),
    ...keys.flatMap(({ timesBy, where }) =>
      timesBy.map((root) => ({ root, where, field: 'timesBy' })),
    ),
  ])
  return uses
    .filter(({ root }) => !known.has(root))
    .map(({ root, where, field }) => ({
      code: 'TRUST_ROOT_UNKNOWN' as const,
      where,
      expected:
        known.size === 0
          ? 'the name of a trusted root, and there is no "sigstore" in the file'
          : `one of the trusted roots ${[...known].join(', ')}`,
      found: quote(root),
      fix: `Add \`sigstore: {${root}: {trustedRoot: FILE}}\` to the trust file, or correct "${field}"`,
    }))
}
