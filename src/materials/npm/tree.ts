import { createReadStream } from 'node:fs'
import { posix } from 'node:path'
import { z } from 'zod'
import { parseJson } from '#document'
import { quote, SallyportError } from '#error'
import type { StoredBlob } from '../blob-store.ts'
import { collectTree } from '../tar/collect.ts'
import { unsafePath, type TreeEntry, type TreeFile } from '../tar/entry.ts'
import { openSpool } from '../tar/spool.ts'
import { createTar } from '../tar/write.ts'
import { recall, remember, storeChunks, withFolder, type Storage } from '../workspace.ts'

/** The one time in every tree that is not source: npm's own constant for reproducible tarballs, 26 October 1985. */
export const treeTime = 499_162_500

// Raised when the same tarball would give another tree.
const treeVersion = 1

const noteSchema = z.strictObject({ sha256: z.string(), size: z.number() })

/**
 * Makes of an npm tarball the tree that is mounted as a tool: the first folder of each name taken off, modes 0755 or
 * 0644, and in `.bin` a link for each command of the package, as npm would make it. So `AT/.bin` belongs on the PATH of
 * who mounts the tree at AT. The tarball is not trusted: names and links stay inside, sizes are bounded.
 *
 * @throws SallyportError TAR_*, TREE_*, TOOLCHAIN_INCOMPLETE
 */
export async function toTree(
  material: { readonly sha256: string; readonly entry: { readonly id: string } },
  storage: Storage,
): Promise<StoredBlob> {
  const key = `${treeVersion}-${material.sha256}`
  const known = await recall(storage.workspace, 'tree', key, noteSchema)
  if (known !== undefined && (await storage.blobs.has(known.sha256))) return known
  const made = await withFolder(storage.workspace, async (folder) => {
    const spool = openSpool(folder)
    try {
      const tree = await collectTree(createReadStream(storage.blobs.path(material.sha256)), {
        what: material.entry.id,
        spool,
        place: (path) => path.slice(path.indexOf('/') + 1 || path.length),
        symlinks: 'inside',
      })
      const whole = withCommands(tree, material.entry.id)
      return await storeChunks(
        createTar(whole, { mtime: treeTime, what: material.entry.id }),
        storage,
      )
    } finally {
      spool.close()
    }
  })
  await remember(storage.workspace, 'tree', key, { sha256: made.sha256, size: made.size })
  return made
}

const manifestSchema = z.looseObject({
  name: z.string(),
  bin: z.union([z.string(), z.record(z.string(), z.string())]).optional(),
  dependencies: z.record(z.string(), z.string()).optional(),
})

function withCommands(tree: readonly TreeEntry[], id: string): TreeEntry[] {
  const files = new Map(tree.map((entry) => [entry.path, entry]))
  const manifest = readManifest(files.get('package.json'), id)
  const absent = Object.keys(manifest.dependencies ?? {}).filter(
    (name) => !files.has(`node_modules/${name}/package.json`),
  )
  if (absent.length > 0) throw incomplete(id, absent)
  const commands = commandsOf(manifest).filter(([, path]) => files.get(path)?.kind === 'file')
  const runnable = new Set(commands.map(([, path]) => path))
  const made = tree.map((entry) =>
    entry.kind === 'file' && runnable.has(entry.path) ? { ...entry, mode: 0o755 } : entry,
  )
  const links = commands.map(([name, path]): TreeEntry => ({
    kind: 'symlink',
    path: `.bin/${name}`,
    target: `../${path}`,
  }))
  return [...made, ...links]
}

type Manifest = z.infer<typeof manifestSchema>

function readManifest(entry: TreeEntry | undefined, id: string): Manifest {
  if (entry?.kind !== 'file') throw badManifest(id, 'no package.json')
  const value = parseJson(contentOf(entry), { what: `package.json of ${id}` })
  const parsed = manifestSchema.safeParse(value)
  if (!parsed.success) throw badManifest(id, 'a package.json without a name, or with odd fields')
  return parsed.data
}

function contentOf(file: TreeFile): Uint8Array {
  // A tree from a spool is read without waiting.
  return Buffer.concat([...(file.content() as Iterable<Uint8Array>)])
}

function commandsOf({ name, bin }: Manifest): [string, string][] {
  const commands =
    typeof bin === 'string' ? { [name.slice(name.indexOf('/') + 1)]: bin } : (bin ?? {})
  return Object.entries(commands).flatMap(([command, target]) => {
    const path = posix.normalize(target).replace(/^\//, '')
    const safe =
      !command.includes('/') && unsafePath(command) === undefined && unsafePath(path) === undefined
    return safe ? [[command, path] as [string, string]] : []
  })
}

function badManifest(id: string, found: string): SallyportError {
  return new SallyportError({
    code: 'MATERIAL_MANIFEST',
    where: id,
    expected: 'an npm package with a package.json that has a name',
    found,
    fix: 'Use another package as a toolchain',
  })
}

function incomplete(id: string, absent: readonly string[]): SallyportError {
  return new SallyportError({
    code: 'TOOLCHAIN_INCOMPLETE',
    where: id,
    expected: 'a package that bundles its dependencies, because a toolchain is mounted as it is',
    found: `dependencies that are not in it: ${absent
      .slice(0, 5)
      .map((name) => quote(name))
      .join(', ')}`,
    fix: 'Use a package that bundles what it needs, or make it a development dependency of the project',
  })
}
