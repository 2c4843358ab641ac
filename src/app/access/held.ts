import { existsSync } from 'node:fs'
import { relative } from 'node:path'
import type { Config } from '#config'
import { nameDockerCredentials } from '#evidence'
import { sha256Hex } from '#document'
import { readPolicy } from '../witness/policy.ts'
import { makeGrant, type Grant } from './grant.ts'

/** What this gate itself has: keys, and credentials for others. Names only: no file with a secret is read but for its names. */
export async function grantsHeld(config: Config): Promise<readonly Grant[]> {
  return [
    ...keys(config),
    ...(await registries(config)),
    ...npmTokens(config),
    ...database(config),
    ...webhooks(config),
    ...eventSinks(config),
    ...buildRecord(config),
    ...(await witnesses(config)),
  ]
}

const purposes = {
  builderPinned: 'sign provenance of builds with a locked root',
  builderMeasured: 'sign provenance of builds with a measured root',
  approver: 'sign approvals',
  verifier: 'sign verification summaries',
  breakglass: 'sign grants of breakglass and accepted risks',
  log: 'sign checkpoints of the log',
} as const

function keys(config: Config): readonly Grant[] {
  return Object.entries(purposes).flatMap(([name, purpose]) => {
    const { file } = config.keys[name as keyof typeof purposes]
    if (!existsSync(file)) return []
    const shown = relative(config.home, file)
    return [
      makeGrant({
        id: `key:${name}`,
        kind: 'key',
        who: 'this gate',
        holders: [],
        may: [purpose],
        where: `${relative(config.home, config.file)} keys.${name} (${shown})`,
        content: { purpose, file: shown },
      }),
    ]
  })
}

async function registries(config: Config): Promise<readonly Grant[]> {
  const { credentials: file } = config.evidence.registries
  if (file === undefined || !existsSync(file)) return []
  return (await nameDockerCredentials(file)).map(({ registry, kind, helper }) =>
    makeGrant({
      id: `credential:registry ${registry}`,
      kind: 'credential',
      who: 'this gate',
      holders: [],
      may: [`ask the registry ${registry} (${helper === undefined ? kind : `helper ${helper}`})`],
      where: file,
      content: { registry, kind, helper: helper ?? '' },
    }),
  )
}

interface Held {
  readonly id: string
  readonly may: string
  readonly path: string
  readonly file: string
}

function credential(config: Config, { id, may, path, file }: Held): Grant {
  return makeGrant({
    id: `credential:${id}`,
    kind: 'credential',
    who: 'this gate',
    holders: [],
    may: [may],
    where: `${relative(config.home, config.file)} ${path}`,
    content: { may, file },
  })
}

function npmTokens(config: Config): readonly Grant[] {
  const { npm } = config.proxies
  if (npm === undefined) return []
  const places = [
    ['upstream', npm.upstream] as const,
    ...Object.entries(npm.scopes).map(([name, bound]) => [`scopes.${name}`, bound] as const),
    ...Object.entries(npm.packages).map(([name, bound]) => [`packages.${name}`, bound] as const),
  ]
  return places.flatMap(([name, bound]) => {
    if (typeof bound === 'string' || bound.tokenFile === undefined) return []
    const path = `proxies.npm.${name}.tokenFile`
    const may = `ask the npm registry ${bound.registry} (bearer token)`
    return [credential(config, { id: `npm ${name}`, may, path, file: bound.tokenFile })]
  })
}

function database(config: Config): readonly Grant[] {
  const { postgres } = config.store
  if (postgres === undefined) return []
  const { url, urlFile, passwordFile, key } = postgres
  const where = url === undefined ? 'the database that the file names' : shownAddress(url)
  const path = url === undefined ? 'store.postgres.urlFile' : 'store.postgres.url'
  const file = [url ?? '', urlFile ?? '', passwordFile ?? '', ...(key === undefined ? [] : [key])]
  return [
    credential(config, {
      id: 'PostgreSQL',
      may: `keep the log in ${where}`,
      path,
      file: file.join(' '),
    }),
  ]
}

/** The configuration refuses an address with a password; nothing but its parts is shown all the same. */
function shownAddress(text: string): string {
  const { username, host, pathname } = new URL(text)
  return `${username}@${host}${pathname}`
}

function webhooks(config: Config): readonly Grant[] {
  return config.alarms.webhook.flatMap(({ url, secretFile }, index) =>
    secretFile === undefined
      ? []
      : [
          credential(config, {
            id: `alarm ${originOf(url)}`,
            may: `tell alarms to ${originOf(url)} (shared secret)`,
            path: `alarms.webhook[${index}].secretFile`,
            file: secretFile,
          }),
        ],
  )
}

/** By what the gate proves to those it tells events that it is the gate. */
function eventSinks(config: Config): readonly Grant[] {
  return config.events.sinks.flatMap(({ name, syslog = {}, webhook }, index) => {
    const { key } = syslog as { readonly key?: string }
    const to = webhook === undefined ? '' : originOf(webhook.url)
    const held = [
      ['webhook.secretFile', webhook?.secretFile, `tell events to ${to} (shared secret)`],
      ['webhook.authorizationFile', webhook?.authorizationFile, `tell events to ${to} (token)`],
      ['syslog.key', key, `tell events to ${hostOf(syslog)} (client certificate)`],
    ] as const
    return held.flatMap(([field, file, may]) =>
      file === undefined
        ? []
        : [
            credential(config, {
              id: `events ${name} ${field}`,
              may,
              path: `events.sinks[${index}].${field}`,
              file,
            }),
          ],
    )
  })
}

function hostOf(syslog: object): string {
  return 'host' in syslog ? String(syslog.host) : ''
}

/** With the token of its record a builder is believed about builds. */
function buildRecord(config: Config): readonly Grant[] {
  const { at, origin = '' } = config.build.record ?? {}
  if (at === undefined) return []
  const may = `record builds in the log ${origin}, at ${originOf(at.url)} (bearer token)`
  const path = 'build.record.token'
  return [credential(config, { id: `build record ${origin}`, may, path, file: at.token })]
}

/** Paths of webhooks are often secrets themselves. */
export function originOf(url: string): string {
  return URL.parse(url)?.origin ?? 'an address'
}

async function witnesses(config: Config): Promise<readonly Grant[]> {
  const settings = config.log.witnesses
  if (settings === undefined) return []
  const policy = await readPolicy(config, settings)
  return policy.witnesses.map(({ name, key, url }) =>
    makeGrant({
      id: `witness:${name}`,
      kind: 'witness',
      who: key.name,
      holders: [key.name, name],
      may: ['cosign checkpoints of the log'],
      where: `${relative(config.home, settings.policy)} ${name}`,
      content: { key: sha256Hex(key.publicKey), url: url ?? '' },
    }),
  )
}
