import type { Descriptor, FetchedManifest, Manifest } from './manifest.ts'
import type { Place } from './place.ts'

/** A manifest that an index ties to the artifact. */
export interface RelatedManifest {
  /** `image`: one that the artifact, an index, lists. `index`: one that lists the artifact. */
  readonly relation: 'image' | 'index'
  readonly digest: string
  /** Of the image, where the index says so. */
  readonly platform?: string
  /** The bytes of the index: its sha256 is the artifact's digest (`image`) or this one's (`index`). */
  readonly index: Uint8Array
}

interface Subject {
  readonly digest: string
  /** The artifact's own manifest, where it was fetched already. */
  readonly known: FetchedManifest | undefined
  readonly tag: string | undefined
}

const maxRelated = 32

/**
 * Finds what an artifact belongs to. An index lists its platform images. An image does not know its index; but the tag
 * that stands beside its digest may lead to one that lists it.
 */
export async function findRelated(
  subject: Subject,
  place: Place,
): Promise<readonly RelatedManifest[]> {
  const related: RelatedManifest[] = []
  await place.attempt(async () => {
    related.push(...(await imagesOf(subject, place)))
  })
  await place.attempt(async () => {
    related.push(...(await indexOf(subject, place)))
  })
  return related
}

async function imagesOf(
  { digest, known }: Subject,
  place: Place,
): Promise<readonly RelatedManifest[]> {
  const fetched = known ?? (await place.basket.repository.manifest(digest))
  if (fetched === undefined) place.note('the registry has no such manifest')
  if (fetched?.manifest?.kind !== 'index') return []
  const images = distinct(imagesIn(fetched.manifest))
  if (images.length > maxRelated)
    place.note(`${images.length} images, of which ${maxRelated} were looked at`)
  return images.slice(0, maxRelated).map((image) => ({
    relation: 'image',
    digest: image.digest,
    ...(image.platform === undefined ? {} : { platform: image.platform }),
    index: fetched.bytes,
  }))
}

async function indexOf(
  { digest, known, tag }: Subject,
  place: Place,
): Promise<readonly RelatedManifest[]> {
  // Without a digest in the reference the tag is the artifact, and nothing says what lists it.
  if (tag === undefined || known !== undefined) return []
  const fetched = await place.basket.repository.manifest(tag)
  if (fetched?.manifest?.kind !== 'index' || fetched.digest === digest) return []
  const isListed = imagesIn(fetched.manifest).some((image) => image.digest === digest)
  return isListed ? [{ relation: 'index', digest: fetched.digest, index: fetched.bytes }] : []
}

/** BuildKit lists its unsigned attestations beside the images they are about. */
function imagesIn({ manifests }: Manifest & { kind: 'index' }): readonly Descriptor[] {
  return manifests.filter(
    ({ annotations }) => annotations['vnd.docker.reference.type'] !== 'attestation-manifest',
  )
}

function distinct(descriptors: readonly Descriptor[]): readonly Descriptor[] {
  return [...new Map(descriptors.map((one) => [one.digest, one])).values()]
}
