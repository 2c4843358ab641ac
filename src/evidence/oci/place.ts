import { cosignBundle, isCosignKeyless, splitAttestations } from '#attestation'
import type { EvidenceItem, EvidenceSource } from '#decision'
import { sha256Hex } from '#document'
import { quote } from '#error'
import { noRoom, type Collection } from '../collection.ts'
import { mapBounded } from '../each.ts'
import { detailOf } from '../unavailable.ts'
import { encodeSimpleSigning, kindOf } from './layers.ts'
import type { Descriptor, FetchedManifest } from './manifest.ts'
import type { Repository } from './registry.ts'

/** A document that somebody attached and nobody signed there, such as cosign's `.sbom`. It is no evidence by itself. */
export interface AttachedDocument {
  readonly digest: string
  readonly mediaType: string
  readonly source: string
  readonly bytes: Uint8Array
}

/** Where everything goes that is found in a registry. */
export interface Basket {
  readonly repository: Repository
  readonly collection: Collection
  readonly signatures: Map<string, EvidenceItem>
  readonly documents: Map<string, AttachedDocument>
  /** How much the signatures and documents take. */
  readonly others: { bytes: number }
}

const maxLayers = 1024
const maxLayerBytes = 16 * 1024 * 1024
const maxOthers = 256
const maxOtherBytes = 64 * 1024 * 1024
const width = 4

/** One place that is looked at: what was found there, what was left aside, and what could not be looked at. */
export class Place {
  readonly name: string
  readonly basket: Basket
  #found = 0
  readonly #notes: string[] = []
  readonly #failures: string[] = []

  constructor(name: string, basket: Basket) {
    this.name = name
    this.basket = basket
  }

  note(text: string): void {
    this.#notes.push(text)
  }

  /** Does a part of the looking; what fails makes this place unavailable, and loses nothing else that is found. */
  async attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.fail(detailOf(error))
    }
  }

  fail(detail: string): void {
    this.#failures.push(detail)
  }

  /** Takes the attestations in the layers of a manifest. */
  async takeManifest({ digest, manifest }: FetchedManifest, source: string): Promise<void> {
    if (manifest?.kind !== 'manifest') {
      this.note(`sha256:${digest} is no image manifest`)
      return
    }
    const layers = manifest.layers.filter((layer) => this.#isWanted(layer))
    if (layers.length > maxLayers) this.fail(`expected at most ${maxLayers} layers, found more`)
    // cosign adds the newest at the end.
    await mapBounded(layers.slice(-maxLayers), width, (layer) =>
      this.attempt(() => this.#takeLayer(layer, source)),
    )
  }

  /** What the decision is told about this place. */
  row(): EvidenceSource {
    const { name } = this
    const [failure] = this.#failures
    if (failure !== undefined) {
      const more = this.#failures.length > 1 ? ` (and ${this.#failures.length - 1} more)` : ''
      return { name, outcome: 'unavailable', detail: `${failure}${more}` }
    }
    const outcome = this.#found > 0 ? 'found' : 'absent'
    if (this.#notes.length === 0) return { name, outcome }
    return { name, outcome, detail: this.#notes.slice(0, 4).join('; ').slice(0, 500) }
  }

  // The size is under the digest of the manifest: a layer that is too large was made so by whoever pushed it. That is
  // no outage, and must not be taken for one.
  #isWanted({ mediaType, digest, size }: Descriptor): boolean {
    const isKnown = kindOf(mediaType) !== 'other'
    if (isKnown && size <= maxLayerBytes) return true
    this.note(
      isKnown
        ? `layer sha256:${digest} has ${size} bytes, more than ${maxLayerBytes}: not looked at`
        : `layer sha256:${digest} is ${quote(mediaType, 80)}: no attestation`,
    )
    return false
  }

  async #takeLayer(layer: Descriptor, source: string): Promise<void> {
    const { repository, collection } = this.basket
    const kind = kindOf(layer.mediaType)
    if (kind === 'attestation' ? collection.isFull : this.#isFull(layer)) return this.fail(noRoom)
    const bytes = await repository.blob(layer)
    if (bytes === undefined) {
      return this.fail(`${repository.name}: expected blob sha256:${layer.digest}, found nothing`)
    }
    if (kind === 'attestation') this.#takeAttestation(layer, bytes, source)
    if (kind === 'simple-signing') this.#takeSignature(encodeSimpleSigning(bytes, layer), source)
    if (kind === 'document') this.#takeDocument(layer, bytes, source)
  }

  #takeAttestation(layer: Descriptor, bytes: Uint8Array, source: string): void {
    const { digest } = layer
    let parts: readonly Uint8Array[]
    try {
      parts = this.#partsOf(layer, bytes)
    } catch (error) {
      return this.note(`layer sha256:${digest}: ${detailOf(error)}`)
    }
    if (parts.length === 0) this.note(`layer sha256:${digest} is empty`)
    this.#found += parts.length
    for (const part of parts) if (!this.basket.collection.add(part, source)) this.fail(noRoom)
  }

  /** cosign keeps certificate and log promise of an envelope in annotations; what makes no bundle is taken as it is. */
  #partsOf({ digest, annotations }: Descriptor, bytes: Uint8Array): readonly Uint8Array[] {
    if (!isCosignKeyless(annotations)) return splitAttestations(bytes)
    try {
      return [cosignBundle(bytes, annotations)]
    } catch (error) {
      this.note(`layer sha256:${digest}: ${detailOf(error)}`)
      return splitAttestations(bytes)
    }
  }

  #takeSignature(bytes: Uint8Array, source: string): void {
    this.note('a Simple Signing signature')
    const digest = sha256Hex(bytes)
    this.basket.signatures.set(digest, { digest, source, bytes })
    this.#found += 1
  }

  #takeDocument({ digest, mediaType }: Descriptor, bytes: Uint8Array, source: string): void {
    this.note(`an unsigned document (${quote(mediaType, 80)})`)
    this.basket.documents.set(digest, { digest, mediaType, source, bytes })
  }

  /** Whether there is no room for one more signature or document; it is kept for it where there is. */
  #isFull({ size }: Descriptor): boolean {
    const { signatures, documents, others } = this.basket
    if (signatures.size + documents.size >= maxOthers) return true
    others.bytes += size
    return others.bytes > maxOtherBytes
  }
}
