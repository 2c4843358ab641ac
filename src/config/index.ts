export type { Config, EvidencePlaces, KeyFiles, KeySet, RootChoice } from './config.ts'
export { environmentVariables, type Environment, type EnvironmentVariable } from './environment.ts'
export { defaultEvidence, homeOf, keysOf, loadConfig, type ConfigOptions } from './load.ts'
export type { AccessConfig, AdmissionConfig, ServeConfig } from './gate-config.ts'
