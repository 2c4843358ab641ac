import { mapBounded } from '../each.ts'
import { mayHoldEvidence } from './layers.ts'
import type { Descriptor } from './manifest.ts'
import type { Place } from './place.ts'
import { maxReferrers } from './referrers.ts'

const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json'
const width = 8

/**
 * Takes the evidence in manifests that name `digest` as their subject: by the referrers API, or by the tag that stands
 * for it where the registry has none (OCI distribution-spec v1.1, "Referrers Tag Schema").
 */
export async function takeReferrers(digest: string, place: Place): Promise<void> {
  const referrers = (await fromApi(digest, place)) ?? (await fromTag(digest, place))
  const wanted = new Map(referrers.filter(mayHoldEvidence).map((one) => [one.digest, one]))
  const others = referrers.filter((one) => !mayHoldEvidence(one)).length
  if (others > 0) place.note(`${others} referrers that hold no attestation`)
  await mapBounded([...wanted.values()], width, (one) =>
    place.attempt(() => takeReferrer(one, digest, place)),
  )
}

async function fromApi(digest: string, place: Place): Promise<readonly Descriptor[] | undefined> {
  const { repository } = place.basket
  const all = await repository.referrers(digest)
  if (all === undefined || !all.isCut) return all?.descriptors
  // Among very many, the registry may be able to leave out what is no bundle.
  const bundles = await repository.referrers(digest, bundleType)
  const isEnough = bundles !== undefined && bundles.isFiltered && !bundles.isCut
  if (!isEnough) place.fail(tooMany(repository.name))
  return isEnough ? bundles.descriptors : all.descriptors
}

async function fromTag(digest: string, place: Place): Promise<readonly Descriptor[]> {
  const { repository } = place.basket
  const fetched = await repository.manifest(`sha256-${digest}`)
  if (fetched === undefined) return []
  if (fetched.manifest?.kind !== 'index') {
    place.note(`the tag sha256-${digest} is no image index`)
    return []
  }
  const { manifests } = fetched.manifest
  if (manifests.length > maxReferrers) place.fail(tooMany(repository.name))
  return manifests.slice(0, maxReferrers)
}

async function takeReferrer({ digest }: Descriptor, subject: string, place: Place): Promise<void> {
  const { repository } = place.basket
  const fetched = await repository.manifest(digest)
  if (fetched === undefined) {
    place.fail(`${repository.name}: expected manifest sha256:${digest}, found nothing`)
    return
  }
  const { manifest } = fetched
  const named = manifest?.kind === 'manifest' ? manifest.subject : undefined
  if (named !== undefined && named !== `sha256:${subject}`) {
    place.note(`sha256:${digest} refers to something else`)
    return
  }
  await place.takeManifest(fetched, `${repository.name}@sha256:${digest}`)
}

function tooMany(name: string): string {
  return `${name}: expected at most ${maxReferrers} referrers, found more`
}
