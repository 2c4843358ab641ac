export { showRule } from './artifact-rule.ts'
export { judgeInspections, notRun, type InspectionRecord } from './inspections.ts'
export type { LayoutKey, Signature } from './key.ts'
export type {
  ArtifactRule,
  Artifacts,
  Hashes,
  Inspection,
  Layout,
  MatchRule,
  SimpleRule,
  Step,
  StepLink,
} from './layout-types.ts'
export type { Links } from './apply-rules.ts'
export { isSignedBy, openMetadata, type Metadata } from './metadata.ts'
export type { Parameters } from './parameters.ts'
export { readKeyFile } from './read-key.ts'
export {
  layoutType,
  readSupplyChain,
  supplyChainPredicate,
  supplyChainType,
  type SupplyChain,
} from './supply-chain.ts'
export type {
  InspectionGroup,
  LayoutHolds,
  LayoutRejection,
  LayoutResult,
  LinkFile,
  StepResult,
} from './verification.ts'
export { verifyLayout, type LayoutOptions } from './verify-layout.ts'
export { layoutKeyOf } from './trusted-key.ts'
