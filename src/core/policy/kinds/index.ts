import type { EvidenceKind } from '../rule.ts'
import { approvalKind } from './approval.ts'
import { provenanceKind } from './provenance.ts'
import { predicateKinds } from './predicate-kinds.ts'
import { supplyChainKind } from './supply-chain.ts'
import { vouchingKinds } from './vouching.ts'

/** Every kind of statement that some rule understands. */
export const kinds: readonly EvidenceKind<unknown>[] = [
  provenanceKind,
  approvalKind,
  supplyChainKind,
  ...Object.values(predicateKinds),
  ...vouchingKinds,
]
