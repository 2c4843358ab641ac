import { z } from 'zod'
import { quote } from '#error'

/** A package URL without version, a name written out, or everything below a path. */
export type ArtifactPattern = string | { readonly prefix: string }

const name = z.string().min(1).max(1000)

/** What artifacts a target may run: `pkg:npm/shop`, `shop.tar.gz`, `{prefix: registry.example/shop/}`. */
export const artifactSchema = z.union(
  [
    name.regex(/^[^\s*]+$/, 'a name written out, compared exactly (no wildcard)'),
    z.strictObject({
      prefix: name.regex(
        /^[^\s*]+\/$/,
        'a prefix that ends with "/", so that nothing but what is below it matches',
      ),
    }),
  ],
  'a package URL, a name, or {prefix: …/}',
)

/** Whether a signer's name for an artifact is one that the pattern means. A package URL without version means every version. */
export function isNamed(found: string, pattern: ArtifactPattern): boolean {
  if (typeof pattern === 'string') return found === pattern || packageOf(found) === pattern
  const rest = found.slice(pattern.prefix.length)
  return found.startsWith(pattern.prefix) && rest !== '' && !/(?:^|\/)\.{0,2}\/|[\\\s]/.test(rest)
}

/** A package URL without version, qualifiers and subpath; anything else as it is. */
export function packageOf(found: string): string {
  if (!found.startsWith('pkg:')) return found
  const bare = found.replace(/[?#].*$/s, '')
  // The "@" of an npm scope is written %40, so the first "@" begins the version.
  const at = bare.indexOf('@')
  return at === -1 ? bare : bare.slice(0, at)
}

export function showArtifact(pattern: ArtifactPattern): string {
  return typeof pattern === 'string' ? quote(pattern) : `anything below ${quote(pattern.prefix)}`
}
