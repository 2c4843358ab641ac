import { createReadStream } from 'node:fs'
import { readTar } from '../tar/read.ts'
import type { Storage } from '../workspace.ts'

/** The entries of a tar in the store, one text each: `folder/ mode`, `file mode`, `link -> target`. */
export async function treeOf(storage: Storage, sha256: string): Promise<string[]> {
  const seen: string[] = []
  await readTar(createReadStream(storage.blobs.path(sha256)), {
    what: 'test',
    onEntry: ({ kind, path, mode, target }) => {
      seen.push(kind === 'symlink' ? `${path} -> ${target}` : `${path} ${mode.toString(8)}`)
      return undefined
    },
  })
  return seen
}
