import { parseYaml, sha256Hex, type Path } from '#document'
import { SallyportError, type Problem } from '#error'
import { checkTerms } from './check-terms.ts'
import { checkDocument } from './check-document.ts'
import { findUnknownRoots, readRoots } from './read-roots.ts'
import { readSigner } from './read-signer.ts'
import type { Trust, TrustedKey } from './trust.ts'
import { trustSchema } from './trust-schema.ts'
import { findUnknownAuthorities, readAuthorities } from './x509/read-authorities.ts'

export interface TrustOptions {
  /** The file's name as the user knows it. */
  readonly file: string
  /**
   * The bytes of every trusted root that the file names, by the path that it writes: see `trustedRootFiles`. Nothing is
   * read from here.
   */
  readonly roots?: ReadonlyMap<string, Uint8Array>
}

/**
 * The paths of the trusted roots that a trust file names, as written: what its caller has to read, from where the trust
 * file is.
 *
 * @throws SallyportError DOCUMENT_…
 */
export function trustedRootFiles(
  bytes: Uint8Array,
  options: { readonly file: string },
): readonly string[] {
  const { value, locate } = parseYaml(bytes, options)
  const { sigstore } = checkDocument(trustSchema, value, { what: 'the trust file', locate })
  return [...new Set(Object.values(sigstore).map(({ trustedRoot }) => trustedRoot))]
}

/**
 * Parses a trust file, and reports all problems at once with line and column.
 *
 * @throws SallyportError DOCUMENT_… for its form, TRUST_… for what it says
 */
export function parseTrust(bytes: Uint8Array, options: TrustOptions): Trust {
  const { file, roots: files = new Map<string, Uint8Array>() } = options
  const { value, locate } = parseYaml(bytes, { file })
  const shape = checkDocument(trustSchema, value, { what: 'the trust file', locate })
  const problems: Problem[] = []
  const signers = Object.entries(shape.signers).map(([name, entry]) =>
    readSigner(name, entry, (path: Path) => locate(['signers', name, ...path]), problems),
  )
  const keys = indexKeys(signers, problems)
  const roots = readRoots(shape.sigstore, files, locate, problems)
  problems.push(
    ...findUnknownRoots(
      signers.map(({ signer }) => signer),
      new Set(Object.keys(shape.sigstore)),
    ),
  )
  const authorities = readAuthorities(shape.x509, locate, problems)
  problems.push(
    ...findUnknownAuthorities(
      signers.map(({ signer }) => signer),
      authorities,
      new Set(Object.keys(shape.sigstore)),
    ),
  )
  const { breakglass } = shape
  const known = new Map(signers.map(({ signer }) => [signer.name, signer]))
  if (breakglass !== undefined)
    problems.push(...checkTerms(breakglass, known, locate(['breakglass'])))
  SallyportError.throwAll(problems)
  const { version, expires } = shape.metadata
  return Object.freeze({
    file,
    digest: sha256Hex(bytes),
    name: shape.metadata.name,
    owner: shape.metadata.owner,
    ...(version === undefined ? {} : { version }),
    ...(expires === undefined ? {} : { expires: new Date(expires) }),
    line: (field: string) => locate(['metadata', field]),
    signers: known,
    keys,
    roots,
    authorities,
    unpinnedRoots: Object.entries(shape.sigstore).flatMap(([root, { sha256 }]) =>
      sha256 === undefined ? [root] : [],
    ),
    ...(breakglass === undefined ? {} : { breakglass }),
  })
}

type ReadSigner = ReturnType<typeof readSigner>

/** KEY-08: one key, one role. A key that stands twice would let one role speak as another, or count twice. */
function indexKeys(signers: readonly ReadSigner[], problems: Problem[]): Map<string, TrustedKey> {
  const keys = new Map<string, TrustedKey>()
  const seen = new Map<string, TrustedKey>()
  for (const { key, material } of signers.flatMap(({ materials }) => materials)) {
    const earlier = seen.get(material)
    if (earlier !== undefined) problems.push(duplicate(earlier, key))
    seen.set(material, key)
    keys.set(key.keyid, key)
  }
  return keys
}

function duplicate(earlier: TrustedKey, key: TrustedKey): Problem {
  return {
    code: 'TRUST_KEY_DUPLICATE',
    where: key.where,
    expected: 'each key once in the trust file: one key, one role, one owner',
    found: `key ${key.keyid.slice(0, 16)}… of ${key.signer}, which is also a key of ${earlier.signer} (${earlier.where})`,
    fix: `Remove one of the two, or have the owner of ${key.signer} make a key of its own`,
  }
}
