import { stat } from 'node:fs/promises'
import { quote, SallyportError } from '#error'
import { toTree, type Storage } from '#materials'
import type { Blob, Mount } from '#worker'
import { incomplete, type Input, type Plan } from '../definition/plan.ts'

/** An input from the blob store, by digest. */
export async function blobOf(input: Input, { blobs }: Storage): Promise<Blob> {
  const { sha256, name } = input
  if (await blobs.has(sha256)) {
    const path = blobs.path(sha256)
    return { path, sha256, size: (await stat(path)).size }
  }
  throw new SallyportError({
    code: 'BUILD_MATERIAL_MISSING',
    where: quote(name),
    expected: `the blob sha256 ${sha256} in the store`,
    found: 'no such blob',
    fix: 'Fetch the inputs first: `sallyport build` or `sallyport rebuild` does it',
  })
}

/** The folders of the toolchains, made of their tarballs as the build type says; the definition says what must come out. */
export async function toolMounts(plan: Plan, storage: Storage): Promise<readonly Mount[]> {
  const mounts: Mount[] = []
  for (const { at, material, tree } of plan.planned.sallyport_mounts) {
    const input = plan.inputs.find(
      ({ name, roles }) => name === material && roles.includes('toolchain'),
    )
    if (input === undefined)
      throw incomplete(
        `sallyport_mounts ${at}`,
        `the toolchain ${quote(material)} among the inputs`,
        'none',
      )
    await blobOf(input, storage)
    const made = await toTree({ sha256: input.sha256, entry: { id: material } }, storage)
    if (made.sha256 !== tree.sha256)
      throw incomplete(`sallyport_mounts ${at}`, `a tree with sha256 ${tree.sha256}`, made.sha256)
    mounts.push({ at, tree: { ...made, path: storage.blobs.path(made.sha256) } })
  }
  return mounts
}
