import { sha256Hex } from '#document'
import { SallyportError, type Problem } from '#error'
import { readIndex, refuse, type Listed, type OciIndex } from './read-index.ts'

/** How an artifact stands to the indexes whose bytes are there. */
export interface Relations {
  /** The index that the artifact is. */
  readonly own?: OciIndex
  /** Indexes that list the artifact as an image: what is said about them is said about it. */
  readonly listedBy: readonly OciIndex[]
  /** Why an index is not used, by its digest. */
  readonly unused: ReadonlyMap<string, Problem>
  /** Every index that was there, in order of digests. */
  readonly all: ReadonlyMap<string, Uint8Array>
}

/** As many as are looked at; one artifact has one, or a few. */
const maxIndexes = 32

/**
 * Hashes and reads the indexes: nothing that whoever fetched them says about them is believed. An index is tied to an
 * image by its own bytes alone, in one step: what an index of indexes lists is not followed.
 */
export function relationsOf(
  artifact: string,
  related: readonly { readonly index: Uint8Array }[],
): Relations {
  if (related.length === 0) return noRelations
  const all = bytesOf(related)
  const unused = new Map<string, Problem>()
  const attempt = <T>(digest: string, work: () => T): T[] => {
    try {
      return [work()]
    } catch (error) {
      if (!(error instanceof SallyportError)) throw error
      for (const problem of error.problems.slice(0, 1)) unused.set(digest, problem)
      return []
    }
  }
  const indexes = [...all].flatMap(([digest, bytes]) =>
    attempt(digest, () => checkSizes(readIndex(bytes), all)),
  )
  const own = indexes.find(({ digest }) => digest === artifact)
  const listedBy = indexes.filter(
    (index) =>
      index !== own &&
      attempt(index.digest, () => doesList(index, artifact, own !== undefined)).includes(true),
  )
  return { ...(own === undefined ? {} : { own }), listedBy, unused, all }
}

const noRelations: Relations = { listedBy: [], unused: new Map(), all: new Map() }

/** What a runtime may choose from an index. */
export function imagesOf({ listed }: OciIndex): readonly Listed[] {
  return listed.filter(({ kind }) => kind !== 'attestation')
}

function bytesOf(related: readonly { readonly index: Uint8Array }[]): Map<string, Uint8Array> {
  const distinct = [...new Set(related.map(({ index }) => index))].slice(0, maxIndexes)
  const all = distinct.map((bytes) => [sha256Hex(bytes), bytes] as const)
  return new Map(all.sort(([one], [other]) => (one < other ? -1 : 1)))
}

/** An index may say what it likes of the size of something; of what is here it is known. */
function checkSizes(index: OciIndex, all: ReadonlyMap<string, Uint8Array>): OciIndex {
  for (const { digest, size } of index.listed) {
    const bytes = all.get(digest)
    if (bytes === undefined || bytes.length === size) continue
    const found = `${size} bytes for sha256:${digest.slice(0, 12)}…, which has ${bytes.length}`
    throw refuse('INDEX_AMBIGUOUS', index.digest, 'the size of what it lists', found)
  }
  return index
}

function doesList({ digest, listed }: OciIndex, artifact: string, isIndex: boolean): boolean {
  const entry = listed.find((one) => one.digest === artifact)
  if (entry === undefined) return false
  if (entry.kind === 'image' && !isIndex) return true
  const found = isIndex ? `an index, listed as ${entry.kind}` : `it listed as ${entry.kind}`
  throw refuse('INDEX_AMBIGUOUS', digest, 'the artifact to be an image, listed as one', found)
}
