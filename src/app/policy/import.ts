import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { quote, SallyportError } from '#error'
import {
  importPolicies,
  type Assembled,
  type ImportedFile,
  type ImportOptions as Meaning,
} from '#policy'
import { readFileBounded } from '../input.ts'

export interface ImportOptions extends Meaning {
  readonly files: readonly string[]
  /** The folder that gets the files; without it nothing is written. */
  readonly out?: string
}

/**
 * Converts policies of other programs, and writes what came of it into a folder, where nothing is written over.
 *
 * @throws SallyportError FILE_…, DOCUMENT_…, IMPORT_…
 */
export async function importForeignPolicies(options: ImportOptions): Promise<Assembled> {
  const { files, out, ...meaning } = options
  const read = await Promise.all(
    files.map(async (file) => ({ file, bytes: await readFileBounded(file) })),
  )
  const made = importPolicies(read, meaning)
  const written = [...made.policies, ...(made.trust === undefined ? [] : [made.trust])]
  if (out !== undefined) for (const one of written) await writeNew(out, one)
  return made
}

async function writeNew(folder: string, { file, text }: ImportedFile): Promise<void> {
  const path = join(folder, file)
  try {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text, { flag: 'wx' })
  } catch (cause) {
    const { code = 'an unknown error' } = cause as NodeJS.ErrnoException
    const isThere = code === 'EEXIST'
    throw new SallyportError(
      {
        code: isThere ? 'IMPORT_OCCUPIED' : 'FILE_UNWRITABLE',
        where: path,
        expected: isThere ? 'no such file yet' : 'a folder that can be written to',
        found: isThere ? 'a file' : code,
        fix: `Name another folder with --out, or remove ${quote(path)} if nobody needs it`,
      },
      { cause },
    )
  }
}
