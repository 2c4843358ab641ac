import { lstat, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  encodeFixture,
  fixtureLimits,
  parseFixture,
  type Evidence,
  type EvidenceItem,
  type Fixture,
  type RelatedIndex,
} from '#decision'
import { sha256Hex } from '#document'
import { quote, SallyportError, type Problem } from '#error'

/** A fixture with the bytes that it names. */
export interface StoredFixture {
  /** Its folder, as it was found. */
  readonly folder: string
  readonly fixture: Fixture
  readonly evidence: Evidence
  /** Bytes of the trusted roots, by the paths that the trust file has for them. */
  readonly roots: ReadonlyMap<string, Uint8Array>
}

const document = 'fixture.json'
const evidenceFolder = 'evidence'
const rootsFolder = 'trusted-roots'
const indexFolder = 'indexes'
/** Folders within folders, and fixtures, that are looked at. */
const maxDepth = 6
const maxFixtures = 2_000

/**
 * Writes a fixture: the document, and one file for each piece of evidence and each trusted root, named by its digest. A
 * fixture of this folder is replaced with all its files; anything else is left alone.
 *
 * @param bodies what the fixture names, by digest
 * @throws SallyportError FIXTURE_OCCUPIED, FIXTURE_UNWRITABLE
 */
export async function writeFixture(
  folder: string,
  fixture: Fixture,
  bodies: ReadonlyMap<string, Uint8Array>,
): Promise<void> {
  await assertFree(folder)
  try {
    for (const name of [evidenceFolder, rootsFolder, indexFolder]) {
      await rm(join(folder, name), { recursive: true, force: true })
    }
    await mkdir(folder, { recursive: true })
    await writeBodies(join(folder, evidenceFolder), fixture.evidence.items, bodies)
    await writeBodies(join(folder, rootsFolder), fixture.trustedRoots, bodies)
    const indexes = (fixture.evidence.indexes ?? []).map((digest) => ({ digest }))
    await writeBodies(join(folder, indexFolder), indexes, bodies)
    await writeFile(join(folder, document), encodeFixture(fixture))
  } catch (cause) {
    throw unwritable(folder, cause)
  }
}

/** Writes the expected answer anew, and nothing else. */
export async function rewriteFixture(folder: string, fixture: Fixture): Promise<void> {
  try {
    await writeFile(join(folder, document), encodeFixture(fixture))
  } catch (cause) {
    throw unwritable(folder, cause)
  }
}

async function writeBodies(
  folder: string,
  wanted: readonly { readonly digest: string }[],
  bodies: ReadonlyMap<string, Uint8Array>,
): Promise<void> {
  if (wanted.length > 0) await mkdir(folder, { recursive: true })
  for (const { digest } of wanted) {
    await writeFile(join(folder, digest), bodies.get(digest) ?? new Uint8Array())
  }
}

async function assertFree(folder: string): Promise<void> {
  const names = await readdir(folder).catch((cause: NodeJS.ErrnoException): string[] => {
    if (cause.code === 'ENOENT') return []
    throw unwritable(folder, cause)
  })
  if (names.length === 0 || names.includes(document)) return
  throw new SallyportError({
    code: 'FIXTURE_OCCUPIED',
    where: folder,
    expected: `no such folder, or a fixture (a folder with ${document})`,
    found: `a folder with ${quote(names[0] ?? '')}`,
    fix: `Name another folder with --out, or remove ${quote(folder)} if nobody needs it`,
  })
}

/**
 * Every fixture at or below these folders, in the order of their names.
 *
 * @throws SallyportError FIXTURE_NONE when a folder has none
 */
export async function findFixtures(folders: readonly string[]): Promise<readonly string[]> {
  const found: string[] = []
  for (const folder of folders) {
    const here = await fixturesAt(folder, maxDepth)
    if (here.length === 0) throw none(folder)
    found.push(...here)
  }
  const all = [...new Set(found)]
  if (all.length > maxFixtures) throw tooMany(all.length)
  return all
}

async function fixturesAt(folder: string, depth: number): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  if (entries.some((entry) => entry.isFile() && entry.name === document)) return [folder]
  if (depth === 0) return []
  const names = entries.flatMap((entry) =>
    entry.isDirectory() && !entry.name.startsWith('.') ? [entry.name] : [],
  )
  const below: string[] = []
  for (const name of names.sort()) below.push(...(await fixturesAt(join(folder, name), depth - 1)))
  return below
}

/**
 * Reads a fixture and everything that it names; a byte that is not what its digest says is refused.
 *
 * @throws SallyportError DOCUMENT_…, FIXTURE_BODY for every file that is missing or altered
 */
export async function readFixture(folder: string): Promise<StoredFixture> {
  const file = join(folder, document)
  const fixture = parseFixture(await readBounded(file, fixtureLimits.fileBytes), file)
  const problems: Problem[] = []
  const take = bodyReader(folder, problems)
  const items: EvidenceItem[] = []
  for (const { digest, source } of fixture.evidence.items) {
    const bytes = await take(evidenceFolder, digest)
    if (bytes !== undefined) items.push({ digest, source, bytes })
  }
  const roots = new Map<string, Uint8Array>()
  for (const root of fixture.trustedRoots) {
    const bytes = await take(rootsFolder, root.digest)
    if (bytes !== undefined) roots.set(root.file, bytes)
  }
  const related: RelatedIndex[] = []
  for (const digest of fixture.evidence.indexes ?? []) {
    const index = await take(indexFolder, digest)
    if (index !== undefined) related.push({ index })
  }
  SallyportError.throwAll(problems)
  const { sources, leftOut } = fixture.evidence
  const evidence = { items, sources, related, ...(leftOut === undefined ? {} : { leftOut }) }
  return { folder, fixture, evidence, roots }
}

/** Reads bodies until there were too many of them. */
function bodyReader(folder: string, problems: Problem[]) {
  let room = fixtureLimits.bytes
  return async (kind: string, digest: string): Promise<Uint8Array | undefined> => {
    const file = join(folder, kind, digest)
    try {
      const bytes = await readBounded(file, room)
      room -= bytes.length
      if (sha256Hex(bytes) === digest) return bytes
      problems.push(altered(file, digest, `bytes with the digest ${sha256Hex(bytes)}`))
    } catch (error) {
      if (!(error instanceof SallyportError)) throw error
      problems.push(altered(file, digest, error.found))
    }
    return undefined
  }
}

async function readBounded(file: string, max: number): Promise<Uint8Array> {
  try {
    const info = await lstat(file)
    if (!info.isFile()) throw notPart(file, 'something that is no file')
    if (info.size > max) throw notPart(file, `${info.size} bytes, more than the ${max} left for it`)
    return await readFile(file)
  } catch (cause) {
    if (cause instanceof SallyportError) throw cause
    const { code = 'an unknown error' } = cause as NodeJS.ErrnoException
    throw notPart(file, code === 'ENOENT' ? 'nothing there' : code)
  }
}

function notPart(file: string, found: string): SallyportError {
  return new SallyportError(altered(file, undefined, found))
}

function altered(file: string, digest: string | undefined, found: string): Problem {
  return {
    code: 'FIXTURE_BODY',
    where: file,
    expected: digest === undefined ? 'a file' : `a file with the sha256 ${digest}`,
    found,
    fix: 'Restore the file from version control, or make the fixture again with `sallyport capture`',
  }
}

function none(folder: string): SallyportError {
  return new SallyportError({
    code: 'FIXTURE_NONE',
    where: folder,
    expected: `at least one fixture: a folder with ${document}`,
    found: 'none',
    fix: 'Name the folder with the fixtures, or make one with `sallyport capture ARTIFACT --out fixtures --environment NAME --service NAME`',
  })
}

function tooMany(found: number): SallyportError {
  return new SallyportError({
    code: 'FIXTURE_TOO_LARGE',
    where: 'the folders together',
    expected: `at most ${maxFixtures} fixtures in one run`,
    found: `${found}`,
    fix: 'Name fewer folders at once',
  })
}

function unwritable(folder: string, cause: unknown): SallyportError {
  const { code = 'an unknown error' } = cause as NodeJS.ErrnoException
  return new SallyportError(
    {
      code: 'FIXTURE_UNWRITABLE',
      where: folder,
      expected: 'a folder that can be written to',
      found: code,
      fix: `Make ${quote(folder)} writable for the user who runs this, or name another folder with --out`,
    },
    { cause },
  )
}
