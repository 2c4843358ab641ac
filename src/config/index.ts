export type { Config, KeyFiles, RootChoice } from './config.ts'
export { environmentVariables, type Environment, type EnvironmentVariable } from './environment.ts'
export { homeOf, loadConfig, type ConfigOptions } from './load.ts'
