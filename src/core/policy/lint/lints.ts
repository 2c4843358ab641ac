import type { Lint } from './lint.ts'
import { auditEndless, auditOver } from './lints/audit.ts'
import { builderUnproven } from './lints/builder-unproven.ts'
import { exemptionEnding, exemptionExpired } from './lints/exemptions.ts'
import { identityLoose } from './lints/identity-loose.ts'
import { keyEndless } from './lints/key-endless.ts'
import { levelEverywhere } from './lints/level-everywhere.ts'
import { noFreshness } from './lints/no-freshness.ts'
import { notHermetic } from './lints/not-hermetic.ts'
import { oneOwner } from './lints/one-owner.ts'
import { ownerAlike } from './lints/owner-alike.ts'
import { parameterAny } from './lints/parameter-any.ts'
import { parameterUnsaid } from './lints/parameter-unsaid.ts'
import { personBuilds } from './lints/person-builds.ts'
import { refLoose } from './lints/ref-loose.ts'
import { rolesMixed } from './lints/roles-mixed.ts'
import { ruleRedundant } from './lints/rule-redundant.ts'
import { signedOnly } from './lints/signed-only.ts'
import { signerEnded } from './lints/signer-ended.ts'
import { sourceLoose } from './lints/source-loose.ts'
import { trustEndless } from './lints/trust-endless.ts'
import { unavailableAllowed } from './lints/unavailable-allowed.ts'
import { unrequired } from './lints/unrequired.ts'
import { workstation } from './lints/workstation.ts'

/** Every lint of policies and trust files, in the order in which findings are told. */
export const lints: readonly Lint[] = [
  signedOnly,
  notHermetic,
  noFreshness,
  sourceLoose,
  refLoose,
  parameterAny,
  parameterUnsaid,
  workstation,
  oneOwner,
  rolesMixed,
  auditEndless,
  auditOver,
  unavailableAllowed,
  exemptionExpired,
  exemptionEnding,
  ruleRedundant,
  levelEverywhere,
  unrequired,
  identityLoose,
  personBuilds,
  builderUnproven,
  keyEndless,
  trustEndless,
  signerEnded,
  ownerAlike,
]
