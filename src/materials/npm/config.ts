import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { parseJson } from '#document'
import { quote, SallyportError } from '#error'
import { failureOf, programPath, runProgram } from '../process.ts'
import { authorizationFor, readCredentials, type Credentials } from './npmrc.ts'

/** How this machine reaches its npm registries. Holds secrets: never printed, never recorded. */
export interface NpmAccess {
  /** The registry for a package, ending in `/`; scopes can have their own. */
  registryFor(name: string): URL
  authorization(url: URL): string | undefined
  /** Certificate authorities to trust instead of Node's own. */
  readonly ca?: readonly string[]
  /** The machine's configuration turned certificate verification off. */
  readonly tlsUnverified: boolean
  readonly proxy: {
    readonly HTTP_PROXY?: string
    readonly HTTPS_PROXY?: string
    readonly NO_PROXY?: string
  }
  /** npm's cache folder, a possible source of tarballs (by digest). */
  readonly cache?: string
}

export type Environment = Readonly<Record<string, string | undefined>>

const text = z.string().nullish().catch(undefined)
const configSchema = z.looseObject({
  registry: z.string(),
  cache: text,
  cafile: text,
  ca: z
    .union([z.string(), z.array(z.string())])
    .nullish()
    .catch(undefined),
  proxy: text,
  'https-proxy': text,
  noproxy: z
    .union([z.string(), z.array(z.string())])
    .nullish()
    .catch(undefined),
  'strict-ssl': z.boolean().catch(true),
  userconfig: text,
  globalconfig: text,
})

/**
 * Asks npm itself where registries are and how they are reached. npm runs in a neutral folder: the `.npmrc` of the
 * project that is built is an attacker's file here and has no say.
 *
 * @throws SallyportError NPM_CONFIG
 */
export async function loadNpmAccess(environment: Environment = process.env): Promise<NpmAccess> {
  const machine = await withoutProject(environment)
  const config = await askNpm(machine)
  const credentials = await loadCredentials(config, machine, environment)
  const ca = await authoritiesOf(config)
  const scopes = new Map(
    Object.entries(config).flatMap(([key, value]) =>
      /^@[^:]+:registry$/.test(key) && typeof value === 'string'
        ? [[key.slice(0, key.indexOf(':')), registryUrl(value)] as const]
        : [],
    ),
  )
  const standard = registryUrl(config.registry)
  return {
    registryFor: (name) => scopes.get(name.split('/')[0] ?? '') ?? standard,
    authorization: (url) => authorizationFor(url, credentials),
    ...(ca === undefined ? {} : { ca }),
    tlsUnverified: !config['strict-ssl'],
    proxy: proxyOf(config, machine),
    ...(typeof config.cache === 'string' ? { cache: config.cache } : {}),
  }
}

type Config = z.infer<typeof configSchema>

async function askNpm(environment: Record<string, string>): Promise<Config> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-npm-'))
  try {
    // A package.json here, and no workspaces: npm stops looking for a project and reads no project's configuration.
    await writeFile(join(folder, 'package.json'), '{}')
    const { exit, stdout } = await runProgram({
      program: 'npm',
      args: ['config', 'ls', '--long', '--json', '--no-workspaces'],
      env: environment,
      cwd: folder,
      timeoutMs: 60_000,
    })
    const failure = failureOf(exit)
    if (failure !== undefined) throw unreadable(failure)
    const parsed = configSchema.safeParse(
      parseJson(stdout, { what: 'the answer of `npm config ls`' }),
    )
    if (!parsed.success) throw unreadable('an answer without a registry')
    return parsed.data
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

// What npm, when it runs a script, copies from the project's .npmrc into the environment of that script.
const projectSettings = [
  'registry',
  'proxy',
  'https-proxy',
  'noproxy',
  'cafile',
  'ca',
  'strict-ssl',
  'cache',
  'userconfig',
  'globalconfig',
]

/**
 * The environment for npm: what it needs to find its own configuration, and no setting that an outer `npm run` took from
 * a project's `.npmrc`.
 */
async function withoutProject(environment: Environment): Promise<Record<string, string>> {
  const kept: Record<string, string> = { PATH: programPath(environment['PATH']), LC_ALL: 'C.UTF-8' }
  for (const [name, value] of Object.entries(environment)) {
    const wanted = /^(?:HOME|USER|npm_config_.*|(?:https?|no|all)_proxy)$/i.test(name)
    if (wanted && value !== undefined) kept[name] = value
  }
  const project = environment['npm_config_local_prefix']
  delete kept['npm_config_local_prefix']
  if (project === undefined) return kept
  const npmrc = await readFile(join(project, '.npmrc'), 'utf8').catch(() => '')
  const set = new Set([...npmrc.matchAll(/^\s*([\w-]+)\s*=/gm)].map(([, key]) => key))
  for (const key of projectSettings.filter((name) => set.has(name)))
    delete kept[`npm_config_${key.replaceAll('-', '_')}`]
  return kept
}

async function loadCredentials(
  config: Config,
  machine: Environment,
  environment: Environment,
): Promise<Credentials> {
  const found = new Map<string, string>()
  for (const file of [config.globalconfig, config.userconfig]) {
    if (typeof file !== 'string') continue
    // A configuration file that is not there says nothing.
    const content = await readFile(file, 'utf8').catch(() => '')
    for (const [key, value] of readCredentials(content, environment)) found.set(key, value)
  }
  for (const [name, value] of Object.entries(machine)) {
    const [, key] = /^npm_config_(\/\/.*)$/i.exec(name) ?? []
    if (key !== undefined && value !== undefined) found.set(key, value)
  }
  return found
}

async function authoritiesOf(config: Config): Promise<readonly string[] | undefined> {
  if (typeof config.cafile === 'string' && config.cafile !== '') {
    try {
      return [await readFile(config.cafile, 'utf8')]
    } catch (cause) {
      throw unreadable(`the "cafile" ${quote(config.cafile)}, which cannot be read`, cause)
    }
  }
  const { ca } = config
  if (ca === undefined || ca === null || ca.length === 0) return undefined
  return (typeof ca === 'string' ? [ca] : ca).map((pem) => pem.replaceAll('\\n', '\n'))
}

function proxyOf(config: Config, environment: Environment): NpmAccess['proxy'] {
  const variable = (name: string): string | undefined =>
    environment[name] ?? environment[name.toLowerCase()]
  const http = config.proxy ?? variable('HTTP_PROXY')
  const https = config['https-proxy'] ?? variable('HTTPS_PROXY') ?? http
  const listed = [config.noproxy ?? []].flat().join(',')
  const exceptions = listed === '' ? variable('NO_PROXY') : listed
  return {
    ...(http === undefined ? {} : { HTTP_PROXY: http }),
    ...(https === undefined ? {} : { HTTPS_PROXY: https }),
    ...(exceptions === undefined ? {} : { NO_PROXY: exceptions }),
  }
}

function registryUrl(value: string): URL {
  const url = URL.parse(value.endsWith('/') ? value : `${value}/`)
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    throw unreadable('a registry that is no http or https URL')
  return url
}

function unreadable(found: string, cause?: unknown): SallyportError {
  return new SallyportError(
    {
      code: 'NPM_CONFIG',
      where: 'the npm configuration of this machine',
      expected: '`npm config ls --json` to say where the registry is',
      found,
      fix: 'Run `npm config ls` and correct what it shows',
    },
    { cause },
  )
}
