import { quote, type Problem } from '#error'
import type { DeploymentRequest } from '#policy'
import { examineAll, type Examined, type Question } from '../examine.ts'
import type { EvidenceItem } from '../decision.ts'
import { indexEvidence, type EvidenceIndex } from '../search.ts'
import { showListed, type Listed, type OciIndex } from './read-index.ts'
import { imagesOf } from './relations.ts'

/** One image of the index that is asked about, and what is said about it. */
export interface ImageOfIndex {
  readonly image: Listed
  readonly examined: readonly Examined[]
  readonly index: EvidenceIndex
}

/** All images of an index, or why they cannot answer for it. */
export type Images = { readonly list: readonly ImageOfIndex[] } | { readonly problem: Problem }

const maxImages = 32

/**
 * An index is as good as its worst image: whatever a runtime may choose has to be judged, and an index that lists
 * nothing, or something that is no image, is not judged by images at all.
 */
export function imagesIn(
  own: OciIndex,
  items: readonly EvidenceItem[],
  question: Question,
  parts: Pick<EvidenceIndex, 'sources' | 'leftOut' | 'knownTypes'>,
): Images {
  const images = imagesOf(own)
  const strange = images.find(({ kind }) => kind !== 'image')
  if (images.length === 0) return { problem: cannot(question.request, 'none') }
  if (strange !== undefined) {
    const found = `${strange.kind === 'index' ? 'another index' : 'something else'}: ${showListed(strange)}`
    return { problem: cannot(question.request, found) }
  }
  if (images.length > maxImages) {
    return { problem: cannot(question.request, `${images.length} of them`) }
  }
  // What is said about the whole index is said about each of its images.
  const relations = { ...question.relations, listedBy: [own] }
  const list = images.map((image): ImageOfIndex => {
    const { artifact } = question.request
    const request = {
      ...question.request,
      artifact: { name: artifact.name, digest: { sha256: image.digest } },
    }
    const { own: _, ...above } = relations
    const examined = examineAll(items, { ...question, request, relations: above })
    const index = indexEvidence(examined, { ...parts, request, relations: above })
    return { image, examined, index }
  })
  return { list }
}

function cannot({ artifact }: DeploymentRequest, found: string): Problem {
  return {
    code: 'INDEX_IMAGES',
    where: 'multiPlatform',
    expected: `from 1 to ${maxImages} images in the index ${quote(artifact.name, 100)}, and nothing else`,
    found,
    fix: 'Have the index itself signed, or push an index of images only',
  }
}
