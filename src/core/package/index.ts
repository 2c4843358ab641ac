export {
  licenseRule,
  licensesAllowed,
  type FailedLicense,
  type LicenseAnswer,
  type LicenseLists,
} from './license/allowed.ts'
export {
  formatLicense,
  parseLicense,
  type License,
  type LicenseOptions,
  type OneLicense,
} from './license/expression.ts'
export { isListedId } from './license/identifiers.ts'
export { ecosystemOf, type EcosystemPackage } from './ecosystem.ts'
export {
  canonicalPurl,
  formatPurl,
  isSamePackage,
  isSamePurl,
  parsePurl,
  purlMatches,
  type Purl,
} from './purl.ts'
export { compareVersions, isKnownEcosystem, isVersion } from './version/compare.ts'
export { versContains } from './version/vers.ts'
export type { Sign } from './version/order.ts'
