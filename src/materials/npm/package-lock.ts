import { z } from 'zod'
import { checkShape, parseJson } from '#document'
import { quote, SallyportError } from '#error'

const names = z.record(z.string(), z.string())
const stringOrList = z.union([z.string(), z.array(z.string())])

// npm writes more than is listed, and may write more tomorrow: what decides here is checked, the rest passes unread.
const packageSchema = z.looseObject({
  name: z.string().optional(),
  version: z.string().optional(),
  resolved: z.union([z.string(), z.boolean()]).optional(),
  integrity: z.string().optional(),
  link: z.boolean().optional(),
  inBundle: z.boolean().optional(),
  optional: z.boolean().optional(),
  devOptional: z.boolean().optional(),
  hasInstallScript: z.boolean().optional(),
  dependencies: names.optional(),
  devDependencies: names.optional(),
  optionalDependencies: names.optional(),
  peerDependencies: names.optional(),
  peerDependenciesMeta: z.record(z.string(), z.looseObject({})).optional(),
  bundleDependencies: z.union([z.array(z.string()), z.boolean()]).optional(),
  bin: z.union([z.string(), names]).optional(),
  engines: z.union([names, z.array(z.string())]).optional(),
  os: stringOrList.optional(),
  cpu: stringOrList.optional(),
  libc: stringOrList.optional(),
})

const lockSchema = z.looseObject({
  lockfileVersion: z.number(),
  packages: z.record(z.string(), packageSchema),
})

/** What package-lock.json says about one place in node_modules. */
export type LockedPackage = z.infer<typeof packageSchema>

/** The `packages` of a package-lock, by their path. The path `""` is the project itself. */
export type LockedPackages = ReadonlyMap<string, LockedPackage>

/**
 * Reads package-lock.json, version 2 or 3. (Version 1 has no `packages`: too little to know what is installed.)
 *
 * @throws SallyportError NPM_LOCK_VERSION, DOCUMENT_*
 */
export function parsePackageLock(bytes: Uint8Array, file: string): LockedPackages {
  const value = parseJson(bytes, { what: file, maxBytes: 64 * 1024 ** 2, maxValues: 8_000_000 })
  const version =
    typeof value === 'object' && value !== null && 'lockfileVersion' in value
      ? value.lockfileVersion
      : undefined
  if (version !== 2 && version !== 3) throw wrongVersion(file, version)
  const lock = checkShape(lockSchema, value, { what: file })
  return new Map(Object.entries(lock.packages))
}

/** The last part of a path in node_modules: the name under which the package is installed. */
export function installedName(path: string): string | undefined {
  const at = path.lastIndexOf('node_modules/')
  return at === -1 ? undefined : path.slice(at + 'node_modules/'.length)
}

/** The place that `from` gets when it asks for `name`, as Node resolves it. */
export function resolveDependency(
  packages: LockedPackages,
  from: string,
  name: string,
): string | undefined {
  for (let folder = from; ; folder = parentOf(folder)) {
    const place = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`
    if (packages.has(place)) return place
    if (folder === '') return undefined
  }
}

function parentOf(path: string): string {
  const at = path.lastIndexOf('/node_modules/')
  if (at !== -1) return path.slice(0, at)
  return path.startsWith('node_modules/') ? '' : path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

/** An RFC 6901 pointer to an entry, for `derivedFrom`. */
export function pointerTo(path: string): string {
  return `/packages/${path.replaceAll('~', '~0').replaceAll('/', '~1')}`
}

export function pathOfPointer(pointer: string): string | undefined {
  const [, encoded] = /^\/packages\/(.*)$/.exec(pointer) ?? []
  return encoded?.replaceAll('~1', '/').replaceAll('~0', '~')
}

function wrongVersion(file: string, found: unknown): SallyportError {
  return new SallyportError({
    code: 'NPM_LOCK_VERSION',
    where: file,
    expected: '"lockfileVersion": 3 or 2',
    found: found === undefined ? 'none' : quote(found),
    fix: 'Run `npm install --package-lock-only` with npm 7 or newer, and commit the lock it writes',
  })
}
