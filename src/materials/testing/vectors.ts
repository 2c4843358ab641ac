import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const vectorFolder = join(import.meta.dirname, '../../../test/vectors/materials')

/** The vectors of one kind, one file one case; the caller says what they look like. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
export function readVectors<T>(kind: string): { readonly name: string; readonly vector: T }[] {
  const folder = join(vectorFolder, kind)
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => ({
      name: name.replace(/\.json$/, ''),
      vector: JSON.parse(readFileSync(join(folder, name), 'utf8')) as T,
    }))
}
