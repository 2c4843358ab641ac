export type { Config, EvidencePlaces, KeyFiles, KeySet, RootChoice } from './config.ts'
export { environmentVariables, type Environment, type EnvironmentVariable } from './environment.ts'
export { defaultEvidence, homeOf, keysOf, loadConfig, type ConfigOptions } from './load.ts'
export type { AlarmsConfig } from './alarms.ts'
export type { BuildRecordConfig } from './build-record.ts'
export type { AccessReviewConfig } from './access-review.ts'
export type { ChokePointsConfig } from './choke-points.ts'
export type { EventSinkConfig, EventsConfig } from './events.ts'
export type { AccessConfig, AdmissionConfig, ServeConfig } from './gate-config.ts'
export { accessRoles } from './gate-schema.ts'
export type { NpmProxyConfig, OciProxyConfig, ProxiesConfig } from './proxies.ts'
export type { RulebookConfig } from './rulebook.ts'
export type { StoreConfig } from './store-schema.ts'
export {
  loadWitnessConfig,
  witnessHomeOf,
  witnessKeysOf,
  type WitnessConfig,
} from './witness-file.ts'
