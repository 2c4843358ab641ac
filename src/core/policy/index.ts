export {
  checkRulebook,
  placeOf,
  type CheckInput,
  type CheckReport,
} from './check/check-rulebook.ts'
export { toSarif, type SarifFinding, type SarifOptions } from './check/sarif.ts'
export { checkPolicies, findUnknownSigners } from './check-policies.ts'
export { isNamed, packageOf, showArtifact, type ArtifactPattern } from './artifact-name.ts'
export { earliest, judgeEach, type Finding, type Judgement } from './judge-each.ts'
export { kinds } from './kinds/index.ts'
export { approvalKind } from './kinds/approval.ts'
export { levelOf, type Level } from './kinds/level.ts'
export {
  provenanceKind,
  type Isolation,
  type ProvenanceFacts,
  type Stated,
} from './kinds/provenance.ts'
export {
  imageSignatureTypes,
  isVouchingType,
  vouchingKind,
  type Vouching,
} from './kinds/vouching.ts'
export { mayDeploy, showDeployer, type Deployer } from './deployers.ts'
export { parsePolicies, type PolicyFile } from './parse-policies.ts'
export { policyJsonSchema } from './policy-schema.ts'
export type { Lint, LintFinding, Severity } from './lint/lint.ts'
export { lints } from './lint/lints.ts'
export { explainPolicy, type ExplainedRule, type Explanation } from './explain/explain.ts'
export { explanationMarkdown } from './explain/markdown.ts'
export { metaJsonSchema } from './meta/meta-schema.ts'
export type { MetaPolicy } from './meta/meta-policy.ts'
export { modeAt, type BoundRule, type Exemption, type Policy, type PolicySet } from './policy.ts'
export type { DeploymentRequest, Rechecked, Target } from './request.ts'
export { rules } from './rules.ts'
export type {
  EvidenceKind,
  Link,
  Outcome,
  Place,
  Rule,
  RuleContext,
  RuleParameters,
  Search,
  Testimony,
} from './rule.ts'
export { selectPolicy } from './select-policy.ts'
export { shellName } from './shell-name.ts'
export { threats, unanswered, type ThreatId } from './threats.ts'
export type { RuleVerdict } from './verdict.ts'
export { importPolicies } from './import/import.ts'
export type { Assembled, ImportedFile, ImportOptions } from './import/assemble.ts'
export type { ImportEffect, ImportNote } from './import/model.ts'
