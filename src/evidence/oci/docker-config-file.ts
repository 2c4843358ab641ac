/** Where Docker keeps its configuration: `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`. */
export function dockerConfigFile(
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const { DOCKER_CONFIG: folder, HOME: home } = environment
  if (folder !== undefined && folder !== '') return `${folder}/config.json`
  return home === undefined || home === '' ? undefined : `${home}/.docker/config.json`
}
