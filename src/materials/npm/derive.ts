import { quote, SallyportError, type Problem } from '#error'
import type { JsonObject } from '#document'
import { readIntegrity } from './integrity.ts'
import { manifestOf } from './manifest.ts'
import { isExactVersion, isPackageName, npmId, npmPurl } from './name.ts'
import {
  installedName,
  parsePackageLock,
  pointerTo,
  type LockedPackage,
  type LockedPackages,
} from './package-lock.ts'
import { npmPlatform, runsOn, type NpmPlatform } from './platform.ts'
import { foreignSpecs } from './specs.ts'

/** One package that a package-lock asks for on a platform, with the digest it must have. */
export interface NpmPackage {
  /** `npm:NAME@VERSION` */
  readonly id: string
  readonly name: string
  readonly version: string
  readonly purl: string
  /** `sha512-…`, exactly one. */
  readonly integrity: string
  /** Where the package-lock says so; the first such place, bytewise. */
  readonly derivedFrom: { readonly lock: string; readonly pointer: string }
  /** The package has lifecycle scripts (which run only if the build's command lets them). */
  readonly scripts: boolean
  /** What npm needs to know of the version; see `npmRegistryEntries`. */
  readonly manifest: JsonObject
}

/** Of which lock, and for which platform. */
export interface DeriveNpmOptions {
  /** The lock's path in the source, for messages and `derivedFrom`. */
  readonly file: string
  /** `linux/amd64` or `linux/arm64`. */
  readonly platform: string
  /** Packages that may have lifecycle scripts: names, or `name@version`. */
  readonly allowScripts?: readonly string[]
}

/**
 * Says which registry packages `npm ci` installs from a package-lock on a platform, each with its SHA-512. Workspaces
 * and folders inside the source are part of the source; bundled packages are part of the tarball that bundles them.
 * Whatever cannot be fetched by name, version and digest is refused, all of it at once.
 *
 * @throws SallyportError NPM_*, DOCUMENT_*
 */
export function deriveNpm(bytes: Uint8Array, options: DeriveNpmOptions): NpmPackage[] {
  const packages = parsePackageLock(bytes, options.file)
  const platform = npmPlatform(options.platform)
  const foreign = foreignSpecs(packages)
  const found = new Map<string, NpmPackage>()
  const problems: Problem[] = []
  for (const [path, entry] of [...packages].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const context = { path, entry, packages, platform, options, foreign: foreign.get(path) }
    const result = derive(context)
    if (result === undefined) continue
    if ('code' in result) problems.push(result)
    else problems.push(...keep(result, found, options))
  }
  SallyportError.throwAll(problems)
  return [...found.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1))
}

interface Context {
  readonly path: string
  readonly entry: LockedPackage
  readonly packages: LockedPackages
  readonly platform: NpmPlatform
  readonly options: DeriveNpmOptions
  /** How a dependent asks for it, when it does not ask the registry. */
  readonly foreign: { readonly by: string; readonly spec: string } | undefined
}

/** Undefined: nothing is to be fetched for this entry. */
function derive(context: Context): NpmPackage | Problem | undefined {
  const { path, entry } = context
  if (entry.link === true) return checkLink(context)
  const installed = installedName(path)
  if (installed === undefined) return isInside(path) ? undefined : outside(context, path)
  if (entry.inBundle === true && entry.integrity === undefined) return checkBundle(context)
  const platform = checkPlatform(context)
  if (platform !== 'install') return platform
  return checkOrigin(context) ?? registryPackage(context, entry.name ?? installed)
}

function registryPackage(context: Context, name: string): NpmPackage | Problem {
  const { path, entry, options } = context
  const version = entry.version ?? ''
  if (!isPackageName(name) || !isExactVersion(version)) return badName(context, name, version)
  const integrity = readIntegrity(entry.integrity)
  if (integrity.kind !== 'sha512') return badIntegrity(context, integrity.kind)
  const scripts = entry.hasInstallScript === true
  if (scripts && !isAllowed(name, version, options.allowScripts ?? []))
    return scriptRefused(context, name, version)
  return {
    id: npmId(name, version),
    name,
    version,
    purl: npmPurl(name, version),
    integrity: integrity.text,
    derivedFrom: { lock: options.file, pointer: pointerTo(path) },
    scripts,
    manifest: manifestOf(name, version, integrity.text, entry),
  }
}

function keep(
  candidate: NpmPackage,
  found: Map<string, NpmPackage>,
  options: DeriveNpmOptions,
): Problem[] {
  const earlier = found.get(candidate.id)
  if (earlier === undefined) found.set(candidate.id, candidate)
  if (earlier === undefined || earlier.integrity === candidate.integrity) return []
  return [
    {
      code: 'NPM_INTEGRITY_CONFLICT',
      where: `${options.file}: ${candidate.derivedFrom.pointer}`,
      expected: `${earlier.integrity}, as at ${earlier.derivedFrom.pointer}`,
      found: candidate.integrity,
      fix: `Run \`npm install --package-lock-only\` after removing ${quote(candidate.id)} from the lock, and find out who wrote two digests`,
    },
  ]
}

function checkLink({ path, entry, packages, options }: Context): Problem | undefined {
  const target = typeof entry.resolved === 'string' ? entry.resolved : ''
  if (isInside(target) && packages.has(target)) return undefined
  return {
    code: 'NPM_LINK_OUTSIDE',
    where: `${options.file}: ${pointerTo(path)}`,
    expected: 'a link to a folder of this source that the lock describes',
    found: `a link to ${quote(target)}`,
    fix: `Make ${quote(target)} a workspace of this project, or depend on a published version`,
  }
}

function checkBundle(context: Context): Problem | undefined {
  for (let path = context.path; ;) {
    const at = path.lastIndexOf('/node_modules/')
    if (at === -1) break
    path = path.slice(0, at)
    const above = context.packages.get(path)
    const bundles = above?.bundleDependencies
    if (above?.integrity !== undefined && bundles !== undefined && bundles !== false)
      return undefined
  }
  return {
    code: 'NPM_INTEGRITY_MISSING',
    where: `${context.options.file}: ${pointerTo(context.path)}`,
    expected: 'a package above it that bundles it and has an integrity of its own',
    found: '"inBundle": true, and none that does',
    fix: renew(context),
  }
}

function checkPlatform(context: Context): 'install' | Problem | undefined {
  const { entry, platform, path, options } = context
  if (runsOn(entry, platform)) return 'install'
  if (entry.optional === true || entry.devOptional === true) return undefined
  return {
    code: 'NPM_PLATFORM_MISMATCH',
    where: `${options.file}: ${pointerTo(path)}`,
    expected: `a package that runs on ${options.platform}`,
    found: `os ${quote(entry.os ?? 'any')}, cpu ${quote(entry.cpu ?? 'any')}, libc ${quote(entry.libc ?? 'any')}`,
    fix: `Make ${quote(installedName(path) ?? path)} an optional dependency, or build for a platform it runs on`,
  }
}

/** Registry packages only: what comes from git, a URL or a file has no name and version by which it can be asked for. */
function checkOrigin({ path, entry, options, foreign }: Context): Problem | undefined {
  const resolved = typeof entry.resolved === 'string' ? entry.resolved : ''
  const kind = /^(?:git[+:]|github:|ssh:)/.test(resolved)
    ? 'git'
    : resolved.startsWith('file:')
      ? 'file'
      : undefined
  if (kind === undefined && foreign === undefined) return undefined
  const how =
    foreign === undefined
      ? quote(resolved)
      : `${quote(foreign.spec)}, asked for by ${quote(foreign.by)}`
  return {
    code: 'NPM_DEPENDENCY_UNSUPPORTED',
    where: `${options.file}: ${pointerTo(path)}`,
    expected: 'a package from the registry, by name and version',
    found: how,
    fix: `Publish ${quote(installedName(path) ?? path)} to your registry and depend on that version, or make it a workspace`,
  }
}

function isInside(path: string): boolean {
  return path === '' || !(path.startsWith('/') || path.split('/').includes('..'))
}

function isAllowed(name: string, version: string, allowed: readonly string[]): boolean {
  return allowed.includes(name) || allowed.includes(`${name}@${version}`)
}

function outside({ options }: Context, path: string): Problem {
  return {
    code: 'NPM_LINK_OUTSIDE',
    where: `${options.file}: ${pointerTo(path)}`,
    expected: 'folders of this source',
    found: quote(path),
    fix: `Move ${quote(path)} into this repository, or depend on a published version`,
  }
}

function badName(context: Context, name: string, version: string): Problem {
  return {
    code: 'NPM_LOCK_ENTRY',
    where: `${context.options.file}: ${pointerTo(context.path)}`,
    expected: 'the name of a registry package and an exact version',
    found: `${quote(name)} version ${quote(version)}`,
    fix: renew(context),
  }
}

const integrityCodes = {
  missing: 'NPM_INTEGRITY_MISSING',
  weak: 'NPM_INTEGRITY_WEAK',
  ambiguous: 'NPM_INTEGRITY_AMBIGUOUS',
} as const

function badIntegrity(context: Context, kind: keyof typeof integrityCodes): Problem {
  return {
    code: integrityCodes[kind],
    where: `${context.options.file}: ${pointerTo(context.path)}`,
    expected: 'an integrity with one SHA-512 hash',
    found: context.entry.integrity === undefined ? 'no integrity' : quote(context.entry.integrity),
    fix: renew(context),
  }
}

function scriptRefused({ path, options }: Context, name: string, version: string): Problem {
  return {
    code: 'NPM_INSTALL_SCRIPT',
    where: `${options.file}: ${pointerTo(path)}`,
    expected: 'packages without lifecycle scripts, or ones that the recipe allows',
    found: `${quote(`${name}@${version}`)} with "hasInstallScript": true`,
    fix: `Add ${quote(name)} to "scripts" of the recipe's step after reading what its scripts do, or replace it`,
  }
}

function renew({ path, options }: Context): string {
  return `Remove ${quote(installedName(path) ?? path)} from ${options.file} and run \`npm install --package-lock-only\``
}
