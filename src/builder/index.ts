export {
  build,
  type BuilderSigner,
  type BuildOptions,
  type BuildPorts,
  type BuildRecorder,
  type BuildResult,
  type SignedBuild,
} from './build.ts'
export { compareFiles, type Difference, type EntryDifference } from './compare.ts'
export { defineBuild, type Gathered } from './definition/define.ts'
export { readDefinition } from './definition/read.ts'
export { executeDefinition, type ExecutionPorts, type StepEvent } from './execute/execute.ts'
export type { BuildOutput, Execution, StepOutput, StepRecord } from './execute/records.ts'
export { checkOutput } from './files.ts'
export { gather, type GatherOptions, type Instructions } from './gather.ts'
export type { Artifact } from './publish.ts'
export { propertiesOf, type Property, type PropertyName } from './rebuild/properties.ts'
export {
  rebuild,
  type Compared,
  type RebuildOptions,
  type RebuildResult,
} from './rebuild/rebuild.ts'
export { evaluateRecipe, type EvaluatedRecipe, type EvaluatedStep } from './recipe/evaluate.ts'
export { defaultRecipePath, parseRecipe } from './recipe/parse.ts'
export { recipeSchema, type Recipe } from './recipe/schema.ts'
export {
  externalParametersOf,
  parseBuildRequest,
  requestOf,
  type BuildRequest,
  type SettledRequest,
} from './request.ts'
export type { RootOptions } from './root.ts'
export { definitionDigest, failureType } from './shelf.ts'
export type { ConditionName } from './vary/conditions.ts'
export { varyBuild, type VariationReport, type VaryOptions } from './vary/vary.ts'
export { builderIds, provenanceFormat, recipeBuildType } from '#signer'
