import { quote, type Problem } from '#error'

/** The variables that mean something, and what. A misspelt one must not be ignored: it was set to change something. */
export const environmentVariables = {
  SALLYPORT_HOME: 'the home folder, like --home',
  SALLYPORT_TRUST: 'the trust file, in place of "trust" in sallyport.yaml',
  SALLYPORT_POLICIES: 'policy files and folders separated by ":", in place of "policies"',
  SALLYPORT_CHOKE_POINT: 'how this place calls itself in decisions, in place of "chokePoint"',
  SALLYPORT_DEBUG: '1 shows the stack of an unexpected error',
} as const

export type EnvironmentVariable = keyof typeof environmentVariables
export type Environment = Readonly<Record<string, string | undefined>>

/** A variable's value; an empty one counts as not set. */
export function valueOf(env: Environment, name: EnvironmentVariable): string | undefined {
  const value = env[name]
  return value === undefined || value === '' ? undefined : value
}

export function checkEnvironment(env: Environment): Problem[] {
  return Object.keys(env)
    .filter((name) => name.startsWith('SALLYPORT_') && !Object.hasOwn(environmentVariables, name))
    .map((name) => ({
      code: 'CONFIG_UNKNOWN_VARIABLE',
      where: `environment: ${quote(name).slice(1, -1)}`,
      expected: `one of ${Object.keys(environmentVariables).join(', ')}`,
      found: quote(name),
      fix: `Unset ${quote(name)}, or correct its spelling`,
    }))
}

/** Where Docker keeps its configuration: `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`. */
export function dockerConfigFile({
  DOCKER_CONFIG: folder,
  HOME: home,
}: Environment): string | undefined {
  if (folder !== undefined && folder !== '') return `${folder}/config.json`
  return home === undefined || home === '' ? undefined : `${home}/.docker/config.json`
}
