import type { Json, JsonObject } from '#document'
import type { LockedPackage } from './package-lock.ts'

// What npm reads of a version in a packument when it installs from a lock; everything else stays away from it.
const fields = [
  'dependencies',
  'optionalDependencies',
  'peerDependencies',
  'peerDependenciesMeta',
  'bundleDependencies',
  'bin',
  'engines',
  'os',
  'cpu',
  'libc',
  'hasInstallScript',
] as const

/**
 * A version as a packument has it, made from the package-lock alone. `dist.tarball` is left to who serves it.
 * (npm's locks fold `optionalDependencies` out of `dependencies`; so do packuments' readers.)
 */
export function manifestOf(
  name: string,
  version: string,
  integrity: string,
  entry: Partial<LockedPackage>,
): JsonObject {
  const copied = fields.flatMap((field) => {
    const value = entry[field]
    return value === undefined ? [] : [[field, value as Json] as const]
  })
  return { name, version, ...Object.fromEntries(copied), dist: { integrity } }
}
