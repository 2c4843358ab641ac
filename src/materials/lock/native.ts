import { SallyportError, type Problem } from '#error'
import { deriveNpm, type NpmPackage } from '../npm/derive.ts'

/** A lock of a package manager, as the source commit has it. */
export interface NativeLock {
  readonly path: string
  readonly bytes: Uint8Array
}

export interface DeriveAllOptions {
  readonly platform: string
  readonly nativeLocks: readonly NativeLock[]
  readonly allowScripts?: readonly string[]
}

/** The packages of all native locks, each once: of several locks that have it, the first by path is named. */
export function deriveAll(options: DeriveAllOptions): NpmPackage[] {
  const found = new Map<string, NpmPackage>()
  const problems: Problem[] = []
  for (const { path, bytes } of options.nativeLocks.toSorted((a, b) =>
    a.path < b.path ? -1 : 1,
  )) {
    const packages = deriveNpm(bytes, {
      file: path,
      platform: options.platform,
      allowScripts: options.allowScripts ?? [],
    })
    for (const item of packages) {
      const earlier = found.get(item.id)
      if (earlier === undefined) found.set(item.id, item)
      else if (earlier.integrity !== item.integrity) problems.push(contradiction(earlier, item))
    }
  }
  SallyportError.throwAll(problems)
  return [...found.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1))
}

function contradiction(earlier: NpmPackage, later: NpmPackage): Problem {
  return {
    code: 'NPM_INTEGRITY_CONFLICT',
    where: `${later.derivedFrom.lock}: ${later.derivedFrom.pointer}`,
    expected: `${earlier.integrity}, as in ${earlier.derivedFrom.lock}`,
    found: later.integrity,
    fix: `Find out which of the two is what the registry publishes for ${later.id}, and renew the other lock`,
  }
}
