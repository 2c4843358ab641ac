import { decisionTarget } from '../decision/target.ts'
import type { Target } from '../target.ts'
import { attestationTargets } from './attestation.ts'
import { breakglassTargets } from './breakglass.ts'
import { builderTargets } from './builder.ts'
import { chokepointTargets } from './chokepoint.ts'
import { fixtureTargets } from './decision.ts'
import { documentTargets } from './document.ts'
import { evidenceTargets } from './evidence.ts'
import { layoutTargets } from './layout.ts'
import { logTargets } from './log.ts'
import { materialsTargets } from './materials.ts'
import { merkleTargets } from './merkle.ts'
import { packageTargets } from './package.ts'
import { policyTargets } from './policy.ts'
import { rulebookTargets } from './rulebook.ts'
import { sourceTargets } from './source.ts'
import { trustTargets } from './trust.ts'
import { workerTargets } from './worker.ts'

/** Everything that is fuzzed. A new parser of a module goes to its file, or the test of completeness tells. */
export const targets: readonly Target[] = [
  ...documentTargets,
  ...attestationTargets,
  ...packageTargets,
  ...merkleTargets,
  ...trustTargets,
  ...policyTargets,
  ...evidenceTargets,
  ...materialsTargets,
  ...sourceTargets,
  ...builderTargets,
  ...workerTargets,
  ...chokepointTargets,
  ...layoutTargets,
  ...logTargets,
  ...rulebookTargets,
  ...fixtureTargets,
  ...breakglassTargets,
  decisionTarget,
]
