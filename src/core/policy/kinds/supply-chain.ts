import { readSupplyChain, supplyChainType, type SupplyChain } from '#layout'
import type { EvidenceKind } from '../rule.ts'
import { shellName } from '../shell-name.ts'

/** A layout and links, gathered about an artifact. What they say is signed by others than who gathered them. */
export const supplyChainKind: EvidenceKind<SupplyChain> = {
  name: 'supply chain',
  missing: 'LAYOUT_MISSING',
  predicateTypes: new Set([supplyChainType]),
  read: ({ predicate }) => readSupplyChain(predicate),
  obtain: ({ artifact }, by) =>
    `Have ${by.join(' or ')} gather layout and links (\`sallyport layout record\`), sign them as ${supplyChainType}, and put what it signs beside ${shellName(artifact.name)} or pass it with --bundle`,
}
