import { resolveDependency, type LockedPackage, type LockedPackages } from './package-lock.ts'

/** How a dependent asks for a package, when it does not ask the registry for it. */
export interface ForeignSpec {
  /** The path of the dependent in the lock. */
  readonly by: string
  readonly spec: string
}

/**
 * The places in node_modules that are there because somebody asks for a git repository, a URL or a file. A lock does not
 * say so at the place itself when `resolved` is left out; the dependents' wishes do.
 */
export function foreignSpecs(packages: LockedPackages): ReadonlyMap<string, ForeignSpec> {
  const found = new Map<string, ForeignSpec>()
  for (const [path, entry] of packages) {
    for (const [name, spec] of wishesOf(entry)) {
      if (!isForeign(spec)) continue
      const place = resolveDependency(packages, path, name)
      if (place !== undefined && packages.get(place)?.link !== true)
        found.set(place, { by: path === '' ? 'the project itself' : path, spec })
    }
  }
  return found
}

function wishesOf(entry: LockedPackage): [string, string][] {
  return [entry.dependencies, entry.optionalDependencies, entry.devDependencies].flatMap((wishes) =>
    Object.entries(wishes ?? {}),
  )
}

/** Whether a dependency specification is neither a range, nor a tag, nor an alias (`npm:`), nor a workspace. */
function isForeign(spec: string): boolean {
  if (/^(?:npm|workspace):/.test(spec)) return false
  return spec.includes(':') || spec.includes('/')
}
