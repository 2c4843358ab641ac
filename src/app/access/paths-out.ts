import { existsSync } from 'node:fs'
import type { Config } from '#config'
import { nameDockerCredentials, type NamedCredential } from '#evidence'
import { databaseOptions } from '../database.ts'
import { isThisMachine, judgePath, type AccessPath, type Proof } from './path.ts'
import { pathsTold } from './paths-told.ts'
import { hostOf, isHere, web } from './web-path.ts'

/** The ways out of the gate. Who is at the other end proves it by TLS; this is about who the gate proves to be. */
export async function pathsOut(config: Config): Promise<readonly AccessPath[]> {
  return [
    signer(),
    ...(await database(config)),
    ...(await registries(config)),
    ...stores(config),
    ...npmRegistries(config),
    ...issuers(config),
    ...buildRecord(config),
    ...pathsTold(config),
    ...witnesses(config),
  ]
}

/** The process with the keys is a child of the gate: nobody else has the other end. */
function signer(): AccessPath {
  return judgePath({
    name: 'signer',
    direction: 'within',
    address: 'a pipe to a child process',
    proofs: ['machine'],
    proof: 'inherited from the gate that has started it, and open to nobody else',
    protection: 'local',
    where: 'sallyport.yaml keys',
    fix: '',
    encrypt: '',
  })
}

async function database({ store: { postgres } }: Config): Promise<readonly AccessPath[]> {
  if (postgres === undefined) return []
  const { host, port, password, tls } = await databaseOptions(postgres)
  const isProven = tls?.client !== undefined
  const isHere = isThisMachine(host)
  const local = isHere && password === undefined
  const proofs: readonly Proof[] = isProven ? ['keys'] : [local ? 'machine' : 'password']
  return [
    judgePath({
      name: 'PostgreSQL',
      direction: 'out',
      address: host.startsWith('/') ? host : `${host}:${port}`,
      proofs,
      proof: isProven
        ? 'client certificate'
        : local
          ? 'whoever this machine says it is (no password is given)'
          : 'password',
      protection: tls === undefined ? (isHere ? 'local' : 'none') : isProven ? 'mutual TLS' : 'TLS',
      where: 'sallyport.yaml store.postgres',
      fix: 'Give the gate a client certificate (store.postgres.certificate and key), and let pg_hba.conf ask for it: hostssl … cert',
      encrypt:
        'Remove store.postgres.plaintextUnsafe, and name the authority of the database in ca',
    }),
  ]
}

const proofOf: Readonly<Record<NamedCredential['kind'], Proof>> = {
  password: 'password',
  'identity token': 'tokens',
  'bearer token': 'tokens',
  helper: 'tokens',
}

async function registries(config: Config): Promise<readonly AccessPath[]> {
  const { credentials: file, plainHttp = [], allow = [] } = config.evidence.registries
  const known = file === undefined || !existsSync(file) ? [] : await nameDockerCredentials(file)
  const upstreams = Object.entries(config.proxies.oci?.upstreams ?? {})
  const plain = new Set([
    ...plainHttp,
    ...upstreams.flatMap(([name, url]) => (url.startsWith('http:') ? [name, hostOf(url)] : [])),
  ])
  const names = new Set([
    ...known.map(({ registry }) => registry),
    ...allow,
    ...plain,
    ...upstreams.map(([name]) => name),
  ])
  return [...names].map((name) => {
    const credential = known.find(({ registry }) => registry.split('/')[0] === name.split('/')[0])
    return judgePath({
      name: 'registry',
      direction: 'out',
      address: name,
      proofs: credential === undefined ? [] : [proofOf[credential.kind]],
      proof: credential === undefined ? 'nothing: it reads as anybody' : wordsOf(credential),
      protection: plain.has(name) ? (isHere(name) ? 'local' : 'none') : 'TLS',
      where: credential === undefined ? 'sallyport.yaml evidence.registries' : (file ?? ''),
      fix: `Use a credential helper for ${name} (credHelpers), or a robot account whose token ends and may only pull, as identitytoken or registrytoken`,
      encrypt: `Remove ${name} from evidence.registries.plainHttp, and name its authority in ca`,
    })
  })
}

function wordsOf({ kind, helper }: NamedCredential): string {
  return helper === undefined ? kind : `what the helper ${helper} gives out`
}

function stores({ evidence }: Config): readonly AccessPath[] {
  const where = 'sallyport.yaml evidence'
  return [
    ...evidence.stores.map((url) => web('store of evidence', url, { where })),
    ...(evidence.npmRegistry === undefined
      ? []
      : [web('npm registry', evidence.npmRegistry, { where })]),
  ]
}

function npmRegistries({ proxies: { npm } }: Config): readonly AccessPath[] {
  if (npm === undefined) return []
  const bounds = [npm.upstream, ...Object.values(npm.scopes), ...Object.values(npm.packages)]
  return bounds.map((bound) => {
    const where = 'sallyport.yaml proxies.npm'
    if (typeof bound === 'string') return web('npm registry', bound, { where })
    if (bound.tokenFile === undefined) return web('npm registry', bound.registry, { where })
    const proof = { proofs: ['tokens'], proof: 'bearer token' } as const
    return web('npm registry', bound.registry, { where, ...proof })
  })
}

function issuers({ access }: Config): readonly AccessPath[] {
  return access.oidc.flatMap(({ keysUrl }) =>
    keysUrl === undefined
      ? []
      : [web('keys of an issuer', keysUrl, { where: 'sallyport.yaml access.oidc' })],
  )
}

function buildRecord({ build: { record } }: Config): readonly AccessPath[] {
  if (record?.at === undefined) return []
  return [
    web('record of builds', record.at.url, {
      where: 'sallyport.yaml build.record',
      proofs: ['tokens'],
      proof: 'bearer token; what is answered is signed',
    }),
  ]
}

function witnesses({ log: { witnesses: settings } }: Config): readonly AccessPath[] {
  if (settings === undefined) return []
  return [
    judgePath({
      name: 'witnesses of the log',
      direction: 'out',
      address: settings.policy,
      proofs: ['keys'],
      proof: 'checkpoints and cosignatures are signed',
      protection: settings.plainHttpUnsafe ? 'signed' : 'TLS',
      where: 'sallyport.yaml log.witnesses',
      fix: '',
      encrypt: '',
    }),
  ]
}
