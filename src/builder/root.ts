import {
  measureRoot,
  pinnedRoot,
  type MaterialsLock,
  type MeasureRootOptions,
  type PinnedRootOptions,
  type Root,
  type Storage,
} from '#materials'
import type { Recipe } from './recipe/schema.ts'

/** Which system root the steps see. There is no third way, and no way from one to the other by itself. */
export type RootOptions =
  | ({ readonly kind: 'pinned' } & Omit<PinnedRootOptions, keyof Storage>)
  | ({ readonly kind: 'measured' } & Pick<MeasureRootOptions, 'host'>)

/**
 * Makes the root that was asked for, or fails.
 *
 * @throws SallyportError PINNED_ROOT_UNAVAILABLE when the locked packages cannot be had any more, ROOT_…, LOCK_ROOT
 */
export async function obtainRoot(
  options: RootOptions,
  { recipe, lock }: { readonly recipe: Recipe; readonly lock: MaterialsLock },
  storage: Storage,
): Promise<Root> {
  const { kind, ...rest } = options
  if (kind === 'pinned') return pinnedRoot(lock, { ...rest, ...storage })
  return measureRoot(recipe.root.debian, { platform: recipe.platform, ...rest, ...storage })
}
