import { z } from 'zod'
import { canonicalJson, checkShape, parseJson, sha256Hex, type Json } from '#document'
import { quote, SallyportError, type Problem } from '#error'
import { sha512Of } from '../npm/integrity.ts'
import { npmPurl, parseNpmId } from '../npm/name.ts'
import { debPurl, parseDebId } from '../debian/name.ts'

/** What a locked material is there for; one can have two (Node, as a tool and as a development dependency). */
export type MaterialRole = 'dependency' | 'root' | 'toolchain'

interface AnyEntry {
  readonly purl: string
  readonly sha256: string
  readonly size: number
  readonly roles: readonly MaterialRole[]
}

/** A tarball of the npm registry. */
export interface NpmEntry extends AnyEntry {
  readonly type: 'npm'
  /** `npm:NAME@VERSION` */
  readonly id: string
  readonly name: string
  readonly version: string
  /** `sha512-…`, exactly one. */
  readonly integrity: string
  /** Where a native lock asks for it; present exactly when it is a dependency. */
  readonly derivedFrom?: { readonly lock: string; readonly pointer: string }
}

/** A package of the Debian archive. */
export interface DebEntry extends AnyEntry {
  readonly type: 'deb'
  /** `deb:NAME@VERSION` */
  readonly id: string
  readonly name: string
  readonly version: string
  /** `amd64`, `arm64`, or `all` */
  readonly architecture: string
}

export type LockEntry = NpmEntry | DebEntry

/** The Debian packages of the system root: which were asked for, and the archive suite that answered. */
export interface LockedRoot {
  readonly debian: readonly string[]
  readonly suite: string
  readonly architecture: string
}

/** `sallyport.lock.json`: every input of a build that is not its source, each with its digest. */
export interface MaterialsLock {
  readonly schema: typeof lockSchemaId
  readonly generator: string
  readonly platform: string
  readonly nativeLocks: readonly { readonly path: string; readonly sha256: string }[]
  readonly root?: LockedRoot
  /** Sorted by id, no id twice. */
  readonly entries: readonly LockEntry[]
}

export const lockSchemaId = 'https://sallyport.dev/lock/v1'

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 digest in lower-case hexadecimal')
const size = z
  .number()
  .int()
  .nonnegative()
  .max(8 * 1024 ** 3)
const path = z.string().min(1).max(4096)
const roles = z
  .array(z.enum(['dependency', 'root', 'toolchain']))
  .min(1)
  .max(3)

const npmSchema = z.strictObject({
  type: z.literal('npm'),
  id: z.string(),
  purl: z.string(),
  sha256,
  size,
  integrity: z.string(),
  roles,
  derivedFrom: z.strictObject({ lock: path, pointer: z.string().max(8192) }).optional(),
})

const debSchema = z.strictObject({
  type: z.literal('deb'),
  id: z.string(),
  purl: z.string(),
  sha256,
  size,
  architecture: z.string(),
  roles,
})

const schema = z.strictObject({
  schema: z.literal(lockSchemaId),
  generator: z.string().max(200),
  platform: z.string().max(64),
  nativeLocks: z.array(z.strictObject({ path, sha256 })).max(64),
  root: z
    .strictObject({
      debian: z.array(z.string()).min(1).max(1000),
      suite: z.string().regex(/^[a-z][a-z0-9-]*$/, 'the name of a suite'),
      architecture: z.string().regex(/^[a-z0-9]+$/, 'the name of an architecture'),
    })
    .optional(),
  entries: z.array(z.discriminatedUnion('type', [npmSchema, debSchema])).max(100_000),
})

/**
 * Reads a materials lock. Unknown fields are refused, and so is an entry without SHA-256 or SHA-512, one whose name,
 * package URL and roles do not fit together, and a lock that is not sorted.
 *
 * @throws SallyportError LOCK_ENTRY, LOCK_ORDER, DOCUMENT_*
 */
export function parseMaterialsLock(
  bytes: Uint8Array,
  options: { readonly file: string },
): MaterialsLock {
  const value = parseJson(bytes, {
    what: options.file,
    maxBytes: 64 * 1024 ** 2,
    maxValues: 8_000_000,
  })
  const raw = checkShape(schema, value, { what: options.file })
  const problems: Problem[] = []
  const entries = raw.entries.flatMap((entry, index) => {
    const where = `${options.file}: entries.${index}`
    const read = entry.type === 'npm' ? npmEntry(entry, where) : debEntry(entry, where)
    if (!('code' in read)) return [read]
    problems.push(read)
    return []
  })
  problems.push(
    ...checkOrder(
      raw.entries.map(({ id }) => id),
      'entries',
      options.file,
    ),
    ...checkOrder(
      raw.nativeLocks.map((native) => native.path),
      'nativeLocks',
      options.file,
    ),
    ...checkOrder(raw.root?.debian ?? [], 'root.debian', options.file),
  )
  SallyportError.throwAll(problems)
  const { root, ...rest } = raw
  return { ...rest, ...(root === undefined ? {} : { root }), entries }
}

/**
 * Writes a materials lock: the canonical JSON of each part, one entry to a line, so that a review shows what changed.
 * The same lock is always the same bytes.
 */
export function encodeMaterialsLock(lock: MaterialsLock): Uint8Array {
  const parts: [string, Json][] = [
    ['schema', lock.schema],
    ['generator', lock.generator],
    ['platform', lock.platform],
    ['nativeLocks', lock.nativeLocks.map(({ path, sha256 }) => ({ path, sha256 }))],
    ...(lock.root === undefined ? [] : [['root', plain(lock.root)] as [string, Json]]),
  ]
  const head = parts.map(([key, value]) => `${canonicalJson(key)}:${canonicalJson(value)}`)
  const entries = lock.entries.map((entry) => canonicalJson(plainEntry(entry)))
  return new TextEncoder().encode(
    `{\n${head.join(',\n')},\n"entries":[\n${entries.join(',\n')}\n]\n}\n`,
  )
}

/** The digest of the part of a lock that makes the system root. */
export function rootDigest(lock: MaterialsLock): string {
  return rootDigestOf(
    lock.root,
    lock.entries.filter((entry) => entry.type === 'deb'),
  )
}

export function rootDigestOf(root: LockedRoot | undefined, debs: readonly DebEntry[]): string {
  return sha256Hex(canonicalJson([root === undefined ? null : plain(root), debs.map(plainEntry)]))
}

function plain(root: LockedRoot): Json {
  return { debian: root.debian, suite: root.suite, architecture: root.architecture }
}

/** Name and version are in the id already, and are not written twice. */
function plainEntry(entry: LockEntry): Json {
  const common = {
    type: entry.type,
    id: entry.id,
    purl: entry.purl,
    sha256: entry.sha256,
    size: entry.size,
    roles: entry.roles,
  }
  if (entry.type === 'deb') return { ...common, architecture: entry.architecture }
  const { derivedFrom, integrity } = entry
  return {
    ...common,
    integrity,
    ...(derivedFrom === undefined
      ? {}
      : { derivedFrom: { lock: derivedFrom.lock, pointer: derivedFrom.pointer } }),
  }
}

function npmEntry(raw: z.infer<typeof npmSchema>, where: string): NpmEntry | Problem {
  const parsed = parseNpmId(raw.id)
  if (parsed === undefined) return badEntry(where, 'an id npm:NAME@VERSION', raw.id)
  const purl = npmPurl(parsed.name, parsed.version)
  if (raw.purl !== purl) return badEntry(where, quote(purl), raw.purl)
  if (sha512Of(raw.integrity) === undefined)
    return badEntry(where, 'an integrity with one SHA-512 hash', raw.integrity)
  const isDependency = raw.roles.includes('dependency')
  if (raw.roles.includes('root') || isDependency !== (raw.derivedFrom !== undefined))
    return badEntry(
      where,
      'the role toolchain, or the role dependency and where it is derived from',
      raw.roles.join(', '),
    )
  if (!isSorted(raw.roles)) return badEntry(where, 'roles sorted, none twice', raw.roles.join(', '))
  const { derivedFrom, ...rest } = raw
  return { ...rest, ...parsed, ...(derivedFrom === undefined ? {} : { derivedFrom }) }
}

function debEntry(raw: z.infer<typeof debSchema>, where: string): DebEntry | Problem {
  const parsed = parseDebId(raw.id)
  if (parsed === undefined) return badEntry(where, 'an id deb:NAME@VERSION', raw.id)
  const purl = debPurl(parsed.name, parsed.version, raw.architecture)
  if (raw.purl !== purl) return badEntry(where, quote(purl), raw.purl)
  if (raw.roles.length !== 1 || raw.roles[0] !== 'root')
    return badEntry(where, 'the role root', raw.roles.join(', '))
  return { ...raw, ...parsed }
}

function checkOrder(names: readonly string[], what: string, file: string): Problem[] {
  const index = names.findIndex((name, at) => at > 0 && name <= (names[at - 1] ?? ''))
  if (index === -1) return []
  return [
    {
      code: 'LOCK_ORDER',
      where: `${file}: ${what}.${index}`,
      expected: 'each name once, in ascending order',
      found: `${quote(names[index])} after ${quote(names[index - 1])}`,
      fix: 'Run `sallyport lock`, which writes the lock',
    },
  ]
}

function isSorted(names: readonly string[]): boolean {
  return names.every((name, index) => index === 0 || name > (names[index - 1] ?? ''))
}

function badEntry(where: string, expected: string, found: string): Problem {
  return {
    code: 'LOCK_ENTRY',
    where,
    expected,
    found: quote(found),
    fix: 'Run `sallyport lock`, which writes the lock',
  }
}
