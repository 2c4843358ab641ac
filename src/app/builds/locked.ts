import { parseRecipe } from '#builder'
import { SallyportError } from '#error'
import { parseMaterialsLock } from '#materials'
import type { SourceSnapshot } from '#source'

/** How much the lock of a commit names. */
export interface Locked {
  readonly npm: { readonly count: number; readonly bytes: number }
  readonly debian: { readonly count: number; readonly bytes: number }
}

/**
 * Counts what a commit locks, to tell people about it. What is wrong with recipe or lock is the builder's to say: then
 * there is nothing to count.
 */
export async function readLocked(
  source: SourceSnapshot,
  recipePath: string,
): Promise<Locked | undefined> {
  try {
    const recipeBytes = await source.file(recipePath)
    if (recipeBytes === undefined) return undefined
    const { lock: file } = parseRecipe(recipeBytes, { file: recipePath })
    const lockBytes = await source.file(file)
    if (lockBytes === undefined) return undefined
    const { entries } = parseMaterialsLock(lockBytes, { file })
    const sum = (type: string) => {
      const some = entries.filter((entry) => entry.type === type)
      return { count: some.length, bytes: some.reduce((bytes, { size }) => bytes + size, 0) }
    }
    return { npm: sum('npm'), debian: sum('deb') }
  } catch (error) {
    if (error instanceof SallyportError) return undefined
    throw error
  }
}
