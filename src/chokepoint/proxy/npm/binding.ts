import { quote, type Problem } from '#error'
import type { PackageName } from './name.ts'
import { isListed, type BoundRegistry, type NpmProxySettings } from './settings.ts'

/** The one registry that may be asked for a package. */
export interface Binding {
  readonly registry: BoundRegistry
  /** Whether it is bound to it, rather than left to the upstream. */
  readonly isBound: boolean
}

/**
 * MAT-29: a name belongs to one registry. What is bound to one is never asked for anywhere else, also when that one has
 * no such package or does not answer.
 */
export function bindingOf(name: PackageName, settings: NpmProxySettings): Binding | Problem {
  const { packages, scopes, reserved, upstream, file } = settings
  const own = packages.get(name.full.toLowerCase()) ?? scopes.get(name.scope?.toLowerCase() ?? '')
  if (own !== undefined) return { registry: own, isBound: true }
  if (!isListed(name.full, reserved)) return { registry: upstream, isBound: false }
  return {
    code: 'NPM_NAME_RESERVED',
    where: quote(name.full, 220),
    expected: 'a registry of your own that the name is bound to',
    found: 'none; the public registry is not asked for reserved names',
    fix: `Correct the name, or bind it to its registry in proxies.npm.packages of ${file}`,
  }
}
