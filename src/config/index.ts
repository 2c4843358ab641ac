export type { Config, KeyFiles, KeySet, RootChoice } from './config.ts'
export { environmentVariables, type Environment, type EnvironmentVariable } from './environment.ts'
export { homeOf, keysOf, loadConfig, type ConfigOptions } from './load.ts'
