import { existsSync } from 'node:fs'
import type { Config } from '#config'
import type { Target } from '#decision'
import { hasLogKeys } from '../database.ts'

type Mapping = NonNullable<NonNullable<Config['admission']>['others']>

/** Whether a choke point is there by this configuration, and can lead to a target. */
export function pointExists(config: Config, point: string, target: Target): boolean {
  switch (point) {
    case 'admission':
      return admits(config, target)
    case 'oci-proxy':
      return (config.proxies.oci?.targets ?? []).some((one) => isSame(one, target))
    case 'npm-proxy':
      return npmTargets(config).some((one) => isSame(one, target))
    case 'api':
      return hasDeployer(config)
    case 'ci':
      return hasDeployer(config) || decidesHere(config)
    default:
      return point === config.chokePoint && decidesHere(config)
  }
}

function isSame(one: Target, { environment, service }: Target): boolean {
  return one.environment === environment && one.service === service
}

function admits({ admission }: Config, target: Target): boolean {
  const named = Object.entries(admission?.namespaces ?? {})
  return (
    named.some(([namespace, mapping]) => leadsTo(mapping, target, namespace)) ||
    (admission?.others !== undefined && leadsTo(admission.others, target))
  )
}

/** A label may name any service; so may a namespace that is not known. */
function leadsTo({ environment, service }: Mapping, target: Target, namespace?: string): boolean {
  if (environment !== target.environment) return false
  if (typeof service === 'string') return service === target.service
  return 'label' in service || namespace === undefined || namespace === target.service
}

function npmTargets({ proxies: { npm } }: Config): readonly Target[] {
  if (npm === undefined) return []
  const bounds = [...Object.values(npm.scopes), ...Object.values(npm.packages)]
  const own = bounds.flatMap((one) => (typeof one === 'string' ? [] : (one.target ?? [])))
  return [npm.target, ...own]
}

function hasDeployer({ access }: Config): boolean {
  const grants = [
    ...access.tokens,
    ...access.certificates,
    ...access.oidc.flatMap((one) => one.grants),
  ]
  return grants.some(({ roles }) => roles.includes('deployer'))
}

/** Whether whoever is at this machine can have decisions recorded. */
function decidesHere(config: Config): boolean {
  return hasLogKeys(config) && existsSync(config.keys.log.file)
}
