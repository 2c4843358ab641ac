// The stock verifier, as an oracle: it may refuse what is accepted here, and must not accept what is refused here except
// where its gaps are known.
import { createPublicKey } from 'node:crypto'
import { bundleFromJSON } from '@sigstore/bundle'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify'

export interface StockOptions {
  readonly artifact?: Buffer
  /** PEM; without it the bundle has a certificate. */
  readonly publicKey?: string
}

/** Whether the stock verifier accepts the bundle. It is given no identity, because it would take it for a pattern. */
export function stockAccepts(
  bundle: Uint8Array,
  root: Uint8Array,
  options: StockOptions = {},
): boolean {
  try {
    const keys = options.publicKey === undefined ? undefined : keyFinder(options.publicKey)
    const material = toTrustMaterial(TrustedRoot.fromJSON(parse(root)), keys)
    const thresholds = keys === undefined ? {} : { tlogThreshold: 0, timestampThreshold: 0 }
    const entity = toSignedEntity(bundleFromJSON(parse(bundle)), options.artifact)
    new Verifier(material, thresholds).verify(entity)
    return true
  } catch {
    return false
  }
}

function keyFinder(pem: string) {
  const publicKey = createPublicKey(pem)
  return () => ({ publicKey, validFor: () => true })
}

function parse(bytes: Uint8Array): unknown {
  return JSON.parse(Buffer.from(bytes).toString())
}
