import { constants, readlinkSync, type Stats } from 'node:fs'
import { lstat, open } from 'node:fs/promises'
import { canonicalJson, sha256Hex } from '#document'
import { quote, SallyportError } from '#error'
import type { TreeEntry } from '../tar/entry.ts'
import type { Storage } from '../workspace.ts'
import { assembleTree, type PackageTree } from './assemble.ts'
import { closureOf, universeOf, type DebPackage } from './closure.ts'
import { debianArchitecture } from './host.ts'
import { installedPackages, listedPaths, type HostOptions } from './installed.ts'
import { debPurl } from './name.ts'
import type { Root } from './root.ts'
import { placeInRoot, rootRule } from './root-rule.ts'

/** What `measureRoot` needs; `host` replaces this very machine. */
export interface MeasureRootOptions extends Storage {
  readonly platform: string
  readonly host?: HostOptions
}

/**
 * Makes the system root from packages installed on this machine: exactly the files of the named packages and of all
 * that they depend on, copied as they are now, each with its digest. Who owns the machine could have changed them; that
 * is what makes this the lower level.
 *
 * @throws SallyportError ROOT_*, TREE_*
 */
export async function measureRoot(
  names: readonly string[],
  options: MeasureRootOptions,
): Promise<Root> {
  const host = options.host ?? {}
  const installed = await installedPackages(debianArchitecture(options.platform), host)
  const chosen = closureOf(
    [...new Set(names)],
    universeOf(installed, 'what dpkg has installed here'),
  )
  const paths = await listedPaths(chosen, host)
  const trees: PackageTree[] = []
  for (const { name } of chosen)
    trees.push({ name, entries: await measure(name, paths.get(name) ?? [], host) })
  const made = await assembleTree(trees, options)
  return {
    kind: 'measured',
    tar: made.tar,
    manifest: made.manifest,
    packages: chosen.map((item) => rootPackage(item, made.packageDigests)),
    rule: rootRule,
    materials: [],
  }
}

function rootPackage(
  { name, version, architecture }: DebPackage,
  digests: ReadonlyMap<string, string>,
): Root['packages'][number] {
  // A package without files (it only pulls in others) has the digest of an empty list.
  const sha256 = digests.get(name) ?? sha256Hex(canonicalJson([]))
  return { name, version, architecture, purl: debPurl(name, version, architecture), sha256 }
}

async function measure(
  name: string,
  paths: readonly string[],
  host: HostOptions,
): Promise<TreeEntry[]> {
  const wanted = paths.flatMap((path) => {
    const placed = placeInRoot(path.slice(1))
    return placed === undefined ? [] : [{ path, placed }]
  })
  const folders = new Set(wanted.flatMap(({ placed }) => parentsOf(placed)))
  const entries = new Map<string, TreeEntry>()
  for (const { path, placed } of wanted) {
    const onHost = `${host.root ?? ''}${path}`
    const found = await lstat(onHost).catch(() => undefined)
    const entry =
      found === undefined
        ? missing(name, path)
        : folders.has(placed)
          ? ({ kind: 'directory', path: placed, mode: 0o755 } as const)
          : entryOf(placed, onHost, found, name)
    if (entry !== undefined) entries.set(placed, entry)
  }
  return [...entries.values()]
}

function parentsOf(path: string): string[] {
  const parts = path.split('/').slice(0, -1)
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'))
}

/** Settings may be deleted by whoever runs the machine; a program or library may not. */
function missing(name: string, path: string): undefined {
  if (path.startsWith('/etc/')) return undefined
  throw new SallyportError({
    code: 'ROOT_FILE',
    where: quote(path),
    expected: `the file of the package ${name}`,
    found: 'no such file',
    fix: `Run \`apt-get install --reinstall ${name}\``,
  })
}

function entryOf(placed: string, path: string, found: Stats, name: string): TreeEntry {
  if (found.isDirectory()) return { kind: 'directory', path: placed, mode: 0o755 }
  if (found.isSymbolicLink()) return { kind: 'symlink', path: placed, target: readlinkSync(path) }
  if (found.isFile()) {
    const mode = (found.mode & 0o111) === 0 ? 0o644 : 0o755
    return {
      kind: 'file',
      path: placed,
      mode,
      size: found.size,
      content: () => readFileOf(path, name),
    }
  }
  throw new SallyportError({
    code: 'ROOT_FILE',
    where: quote(path),
    expected: 'a file, a folder or a link',
    found: 'a device, pipe or socket',
    fix: `Run \`apt-get install --reinstall ${name}\``,
  })
}

async function* readFileOf(path: string, name: string): AsyncGenerator<Uint8Array> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch(
    (cause: unknown) => {
      throw unreadable(path, name, cause)
    },
  )
  try {
    for await (const chunk of file.createReadStream({ autoClose: false })) yield chunk as Uint8Array
  } finally {
    await file.close()
  }
}

function unreadable(path: string, name: string, cause: unknown): SallyportError {
  return new SallyportError(
    {
      code: 'ROOT_FILE',
      where: quote(path),
      expected: `the file of the package ${name}, readable`,
      found: (cause as NodeJS.ErrnoException).code ?? 'an error',
      fix: `Make the file readable for this user, or take ${name} out of the recipe's root.debian`,
    },
    { cause },
  )
}
