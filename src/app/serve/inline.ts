import type { Evidence } from '#decision'
import { gatherEvidence, type Source } from '#evidence'
import { sha256Hex } from '#document'
import type { DigestSet } from '#attestation'

const place = 'the request'

/** Attestations that came with the request: in an annotation, or in its body. They are evidence like any other. */
export async function evidenceFromAsk({
  digest,
  inline,
  attached,
}: {
  readonly digest: DigestSet
  readonly inline: readonly Source[]
  readonly attached: readonly Uint8Array[]
}): Promise<Evidence> {
  const annotated = await gatherEvidence({ artifact: { digest }, sources: inline })
  const items = attached.map((bytes) => ({ digest: sha256Hex(bytes), source: place, bytes }))
  const rows = attached.length === 0 ? [] : [{ name: place, outcome: 'found' as const }]
  return { items: [...items, ...annotated.items], sources: [...rows, ...annotated.sources] }
}
