import { isVersionText, parsePackageName, type PackageName } from './name.ts'

/** What a request to the proxy is for. */
export type Route =
  | { readonly kind: 'packument'; readonly name: PackageName }
  | { readonly kind: 'tarball'; readonly name: PackageName; readonly version: string }
  | { readonly kind: 'advisories' }
  | { readonly kind: 'ping' }
  | { readonly kind: 'other' }

const bulk = '/-/npm/v1/security/advisories/bulk'

/** Reads the address of a request, which whoever asks has chosen. What is not exactly one of ours is `other`. */
export function routeOf(method: string, url: string): Route {
  const [path = ''] = url.split('?', 1)
  if (method === 'POST') return { kind: path === bulk ? 'advisories' : 'other' }
  if (method !== 'GET') return { kind: 'other' }
  if (path === '/-/ping') return { kind: 'ping' }
  const parts = decodeParts(path)
  if (parts === undefined) return { kind: 'other' }
  const dash = parts.lastIndexOf('-')
  const name = parsePackageName((dash === -1 ? parts : lastName(parts.slice(0, dash))).join('/'))
  if (name === undefined) return { kind: 'other' }
  if (dash === -1) return { kind: 'packument', name }
  return tarball(name, parts.slice(dash + 1))
}

/** A lock file may name a registry that lies below a path: npm puts another host there, and leaves the path. */
function lastName(parts: readonly string[]): readonly string[] {
  return parts.slice(parts.at(-2)?.startsWith('@') === true ? -2 : -1)
}

/** `%2f` counts as a slash, as npm writes it in the names of scopes. */
function decodeParts(path: string): readonly string[] | undefined {
  if (path.length > 1000 || !path.startsWith('/')) return undefined
  try {
    return decodeURIComponent(path.slice(1)).split('/')
  } catch {
    return undefined
  }
}

function tarball(name: PackageName, rest: readonly string[]): Route {
  // Some registries write the scope again.
  const isAgain = name.scope !== undefined && rest[0] === name.scope
  const [file = '', ...more] = isAgain ? rest.slice(1) : rest
  const start = `${name.bare}-`
  const version = file.slice(start.length, -'.tgz'.length)
  const isOne = more.length === 0 && file.startsWith(start) && file.endsWith('.tgz')
  return isOne && isVersionText(version) ? { kind: 'tarball', name, version } : { kind: 'other' }
}
