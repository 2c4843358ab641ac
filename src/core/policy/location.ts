import { z } from 'zod'
import { quote } from '#error'

/** Exactly this, or everything below a path that the policy writes out. Never a regular expression. */
export type Location = string | { readonly prefix: string }

const text = (form: RegExp, what: string) => z.string().max(2000).regex(form, what)

// A path prefix ends where a path segment ends, or `acme/pay` would also mean `acme/pay-evil`.
const wholeSegments = 'that ends with "/", so that nothing but what is below it matches'

/** A source: `git+https://host/owner/repository`, or `{prefix: git+https://host/owner/}`. */
export const sourceSchema = z.union(
  [
    text(
      /^[a-z][a-z0-9+.-]*:\/\/[^/\s*]*\/[^\s*]*[^/\s*]$/,
      'a repository written out, such as git+https://git.example/acme/shop, or a folder of them as {prefix: git+https://git.example/acme/}',
    ),
    z.strictObject({
      prefix: text(
        /^[a-z][a-z0-9+.-]*:\/\/[^/\s*]*\/[^\s*]+\/$/,
        `a prefix with host and at least one folder, such as git+https://git.example/acme/, ${wholeSegments}`,
      ),
    }),
  ],
  'a repository, or {prefix: …/}',
)

/** A ref: `refs/heads/main`, or `{prefix: refs/tags/}`. */
export const refSchema = z.union(
  [
    text(
      /^refs\/[^\s*]*[^/\s*]$/,
      'a full ref such as refs/heads/main, or a folder of them as {prefix: refs/tags/}',
    ),
    z.strictObject({
      prefix: text(
        /^refs\/[^/\s*]+\/(?:[^\s*]*\/)?$/,
        `a prefix of refs such as refs/tags/ or refs/heads/release/, ${wholeSegments}`,
      ),
    }),
  ],
  'a ref, or {prefix: refs/…/}',
)

export function isAt(found: string, allowed: Location): boolean {
  if (typeof allowed === 'string') return found === allowed
  const rest = found.slice(allowed.prefix.length)
  // `prefix/../../evil/repository` starts with the prefix and is not below it.
  return found.startsWith(allowed.prefix) && /^[^/]/.test(rest) && !hasDetour(rest)
}

/** Segments and characters by which a path can leave where it seems to be. */
function hasDetour(path: string): boolean {
  return /(?:^|\/)\.{0,2}(?:\/|$)|[\\%?#@\s]/.test(path)
}

export function showLocation(location: Location): string {
  return typeof location === 'string' ? quote(location) : `anything below ${quote(location.prefix)}`
}

/** How a look-alike differs from what was asked for, in words; empty when it is simply something else. */
export function describeLookAlike(found: string, allowed: Location): string {
  const wanted = typeof allowed === 'string' ? allowed : allowed.prefix
  if (found === wanted) return ''
  if (found.toLowerCase() === wanted.toLowerCase()) return 'they differ in the case of letters'
  if (found.startsWith(wanted)) return `it goes on with ${quote(found.slice(wanted.length), 60)}`
  if (wanted.startsWith(found))
    return `it lacks ${quote(wanted.slice(found.length), 60)} at the end`
  const [foundHost, wantedHost] = [hostOf(found), hostOf(wanted)]
  if (foundHost === wantedHost) return ''
  if (foundHost.includes(wantedHost)) {
    return `its host is ${quote(foundHost, 100)}, which only contains ${quote(wantedHost, 100)}`
  }
  return found.includes(wantedHost) ? `its host is ${quote(foundHost, 100)}` : ''
}

function hostOf(uri: string): string {
  return /^[^:/]+:\/\/([^/]*)/.exec(uri)?.[1] ?? ''
}
