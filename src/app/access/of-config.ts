import { readFile } from 'node:fs/promises'
import { relative } from 'node:path'
import type { Config } from '#config'
import { sha256Hex } from '#document'
import type { IssuerGrant } from '#server'
import { makeGrant, shorten, type Grant, type Trace } from './grant.ts'

type Role = Config['access']['tokens'][number]['roles'][number]

/** What the routes of the gate let a role do; the table of operations is in `#server`. */
const deeds: Readonly<Record<Role, string>> = {
  viewer: 'read decisions, receipts, the log, metrics and uses of breakglass',
  deployer: 'ask for decisions, report deployments, pull through the proxies, request breakglass',
  approver: 'read requests of breakglass and hand in signed grants',
  operator: 'read decisions, receipts, the log, metrics, grants, requests and uses of breakglass',
  auditor: 'read decisions, receipts, the log, grants and breakglass; review grants and its uses',
  builder: 'start builds with a token, and record builds that it has made',
}

/** Everything that `sallyport.yaml` lets somebody do. */
export async function grantsOfConfig(config: Config): Promise<readonly Grant[]> {
  return [
    ...tokens(config),
    ...certificates(config),
    ...(await issuers(config)),
    ...apiServers(config),
    ...open(config),
    ...(await clientAuthorities(config)),
    ...rulebookKeys(config),
  ]
}

function at({ home, file }: Config, path: string): string {
  return `${relative(home, file)} ${path}`
}

/** Only what a deployer or an auditor does stands in the log: reading leaves no trace. */
function traceOf(given: readonly Role[], trace: Trace): { readonly trace?: Trace } {
  return given.includes('deployer') || given.includes('auditor') ? { trace } : {}
}

function rights(given: readonly Role[]) {
  const roles = [...new Set(given)].sort()
  return { roles, may: roles.map((role) => `${role}: ${deeds[role]}`) }
}

function tokens(config: Config): readonly Grant[] {
  return config.access.tokens.map(({ name, sha256, roles: given, expires }, index) => {
    const { roles, may } = rights(given)
    return makeGrant({
      id: `token:${name}`,
      kind: 'token',
      who: `token:${name}`,
      holders: [name],
      may,
      where: at(config, `access.tokens[${index}]`),
      until: new Date(expires).toISOString(),
      ...traceOf(given, { kind: 'principal', name: `token:${name}` }),
      // Another secret may be in other hands.
      content: { roles, sha256 },
    })
  })
}

function certificates(config: Config): readonly Grant[] {
  return config.access.certificates.map(({ subject, roles: given }, index) => {
    const { roles, may } = rights(given)
    return makeGrant({
      id: `certificate:${subject}`,
      kind: 'certificate',
      who: `certificate:${subject}`,
      holders: [subject],
      may,
      where: at(config, `access.certificates[${index}]`),
      ...traceOf(given, { kind: 'principal', name: `certificate:${subject}` }),
      content: { roles },
    })
  })
}

async function issuers(config: Config): Promise<readonly Grant[]> {
  const found: Grant[] = []
  for (const [index, oidc] of config.access.oidc.entries()) {
    const { issuer, audience, keysUrl, keysFile, grants } = oidc
    const keys =
      keysFile === undefined
        ? { url: keysUrl ?? '' }
        : { sha256: sha256Hex(await readFile(keysFile)) }
    for (const [place, { claims, roles: given }] of grants.entries()) {
      const { roles, may } = rights(given)
      found.push(
        makeGrant({
          id: idOfIssuerGrant({ issuer, claims }),
          kind: 'oidc',
          who: `${shownOf(claims)} of ${issuer}`,
          holders: sorted(claims).map(([, value]) => value),
          may,
          where: at(config, `access.oidc[${index}].grants[${place}]`),
          ...traceOf(given, subjectTrace(issuer, claims['sub'], grants.length)),
          content: { audience, keys, claims, roles },
        }),
      )
    }
  }
  return found
}

/** What the grant of an issuer is called, before it is told from others of the same name. */
export function idOfIssuerGrant({ issuer, claims }: IssuerGrant): string {
  return shorten(`oidc:${issuer}#${shownOf(claims)}`)
}

function shownOf(claims: IssuerGrant['claims']): string {
  return sorted(claims)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')
}

function sorted(claims: IssuerGrant['claims']): readonly (readonly [string, string])[] {
  return Object.entries(claims).sort(([a], [b]) => (a < b ? -1 : 1))
}

function subjectTrace(issuer: string, subject: string | undefined, count: number): Trace {
  return subject === undefined
    ? { kind: 'prefix', prefix: `oidc:${issuer}#`, shared: count > 1 }
    : { kind: 'principal', name: `oidc:${issuer}#${subject}` }
}

function apiServers(config: Config): readonly Grant[] {
  const may = ['ask about pods, and say who deploys them']
  const clients = config.admission?.clients ?? []
  return clients.map((subject, index) =>
    makeGrant({
      id: `api-server:${subject}`,
      kind: 'api-server',
      who: `API server ${subject}`,
      holders: [subject],
      may,
      where: at(config, `admission.clients[${index}]`),
      trace: { kind: 'prefix', prefix: 'kubernetes:', shared: clients.length > 1 },
      content: {},
    }),
  )
}

/** What whoever reaches an address may do without having proven anything. */
function open(config: Config): readonly Grant[] {
  const { serve, proxies, admission } = config
  const doors: readonly (readonly [boolean, string, string, string?])[] = [
    [serve.open.log, 'serve.open.log', 'read the log'],
    [serve.open.metrics, 'serve.open.metrics', 'read metrics'],
    [
      admission?.clients.length === 0,
      'admission.clients',
      'ask about pods as an API server',
      'admission',
    ],
    [
      proxies.oci?.anonymous === true,
      'proxies.oci.anonymous',
      'pull images that policies let in',
      'oci-proxy',
    ],
    [
      proxies.npm?.anonymous === true,
      'proxies.npm.anonymous',
      'install what policies let in',
      'npm-proxy',
    ],
  ]
  return doors
    .filter(([isOpen]) => isOpen)
    .map(([, path, deed, chokePoint]) =>
      makeGrant({
        id: `open:${path}`,
        kind: 'open',
        who: 'anybody who reaches the address',
        holders: [],
        may: [deed],
        where: at(config, path),
        ...(chokePoint === undefined ? {} : { trace: { kind: 'openly', chokePoint } }),
        content: {},
      }),
    )
}

async function clientAuthorities(config: Config): Promise<readonly Grant[]> {
  const { serve, proxies } = config
  const files = [
    ['serve', serve.tls?.clientAuthorities],
    ['proxies.oci', proxies.oci?.tls?.clientAuthorities],
    ['proxies.npm', proxies.npm?.tls?.clientAuthorities],
  ] as const
  const found: Grant[] = []
  for (const [section, file] of files) {
    if (file === undefined) continue
    found.push(
      makeGrant({
        id: `authority:${section}.tls.clientAuthorities`,
        kind: 'authority',
        who: file,
        holders: [],
        may: ['vouch for the names of client certificates'],
        where: at(config, `${section}.tls.clientAuthorities`),
        content: { sha256: sha256Hex(await readFile(file)) },
      }),
    )
  }
  return found
}

function rulebookKeys(config: Config): readonly Grant[] {
  const { rulebook } = config
  if (rulebook === undefined) return []
  return rulebook.keys.map(({ owner, publicKey, scheme = '' }, index) =>
    makeGrant({
      id: `rulebook:${owner} key:${sha256Hex(publicKey).slice(0, 16)}`,
      kind: 'rulebook',
      who: owner,
      holders: [owner],
      may: [`sign policies and trust file, ${rulebook.threshold} of ${rulebook.keys.length}`],
      where: at(config, `rulebook.keys[${index}]`),
      ...(rulebook.expires === undefined
        ? {}
        : { until: new Date(rulebook.expires).toISOString() }),
      content: { publicKey, scheme, threshold: rulebook.threshold },
    }),
  )
}
