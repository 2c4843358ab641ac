import { statSync, type Stats } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { checkShape, deepFreeze, parseYaml } from '#document'
import { SallyportError, type Problem } from '#error'
import type { Config, EvidencePlaces, KeyFiles, KeySet } from './config.ts'
import { checkEnvironment, dockerConfigFile, valueOf, type Environment } from './environment.ts'
import { accessReviewOf } from './access-review.ts'
import { alarmsOf } from './alarms.ts'
import { buildRecordOf } from './build-record.ts'
import { chokePointsOf } from './choke-points.ts'
import { eventsOf } from './events.ts'
import { accessOf, serveOf } from './gate-config.ts'
import { logWitnessesOf } from './log-witnesses.ts'
import { proxiesOf } from './proxies.ts'
import { readRegular } from './read-regular.ts'
import { rulebookOf } from './rulebook.ts'
import { configSchema, evidenceSchema, type ConfigFile } from './schema.ts'
import { spoolOf } from './spool-schema.ts'
import { storeOf } from './store-schema.ts'

export interface ConfigOptions {
  /** The folder `--home` names, relative to `cwd`. */
  readonly home?: string | undefined
  readonly cwd: string
  readonly env: Environment
}

/** The home folder: `--home`, else SALLYPORT_HOME, else `.sallyport` in the working folder. Never searched for upwards. */
export function homeOf(options: ConfigOptions): string {
  return resolve(
    options.cwd,
    options.home ?? valueOf(options.env, 'SALLYPORT_HOME') ?? '.sallyport',
  )
}

/**
 * Reads `sallyport.yaml` of the home folder and the environment into one frozen Config.
 *
 * @throws SallyportError with every problem of file and environment at once: HOME_MISSING, HOME_UNSAFE,
 * HOME_INCOMPLETE, DOCUMENT_*, CONFIG_*
 */
export function loadConfig(options: ConfigOptions): Config {
  const home = homeOf(options)
  const file = join(home, 'sallyport.yaml')
  checkHome(home, options.cwd)
  const shown = relative(options.cwd, file) || file
  const problems = checkEnvironment(options.env)
  const parsed = collect(problems, () => parseFile(readHomeFile(file, shown), shown))
  SallyportError.throwAll(problems)
  if (parsed === undefined) throw new TypeError('no configuration and no problem')
  // Nobody changes a configuration.
  return deepFreeze(configOf(parsed, { ...options, home, file }))
}

/** Keeps the problems of one part, so that those of the other are reported with them. */
function collect<T>(problems: Problem[], part: () => T): T | undefined {
  try {
    return part()
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error
    problems.push(...error.problems)
    return undefined
  }
}

/** Refuses a home that is not there, or that others can write to. */
export function checkHome(home: string, cwd: string): void {
  const where = relative(cwd, home) || home
  const stat = statOf(home, where)
  if (stat?.isDirectory() !== true)
    throw noHome(where, stat === undefined ? 'nothing there' : 'something that is not a folder')
  // Who can write here can replace keys, trust and policies: the whole gate.
  const mode = (stat.mode & 0o777).toString(8).padStart(4, '0')
  const mine = stat.uid === 0 || stat.uid === process.getuid?.()
  if (mine && (stat.mode & 0o022) === 0) return
  throw new SallyportError({
    code: 'HOME_UNSAFE',
    where,
    expected: 'a folder that only you can write to',
    found: mine ? `mode ${mode}` : `owner uid ${stat.uid}, mode ${mode}`,
    fix: mine
      ? `Run \`chmod go-w ${where}\`, and check that nobody changed what is in it`
      : 'Name a home folder of your own with --home',
  })
}

function statOf(home: string, where: string): Stats | undefined {
  try {
    return statSync(home, { throwIfNoEntry: false })
  } catch (cause) {
    throw noHome(where, (cause as NodeJS.ErrnoException).code ?? 'an unknown error', cause)
  }
}

function noHome(where: string, found: string, cause?: unknown): SallyportError {
  return new SallyportError(
    {
      code: 'HOME_MISSING',
      where,
      expected: 'a folder with sallyport.yaml, keys, trust file and policies',
      found,
      fix: 'Run `sallyport init`, or name another home with --home or SALLYPORT_HOME',
    },
    { cause },
  )
}

function readHomeFile(file: string, shown: string): Uint8Array {
  try {
    return readRegular(file)
  } catch (cause) {
    const absent = (cause as NodeJS.ErrnoException).code === 'ENOENT'
    throw new SallyportError(
      {
        code: 'HOME_INCOMPLETE',
        where: shown,
        expected: 'the configuration file of the home folder',
        found: absent ? 'no such file' : String((cause as NodeJS.ErrnoException).code),
        fix: absent
          ? 'Run `sallyport init`; it adds what is missing and overwrites nothing'
          : `Run it as the owner of ${shown}, or have it made a file that you can read`,
      },
      { cause },
    )
  }
}

function parseFile(bytes: Uint8Array, shown: string): ConfigFile {
  const document = parseYaml(bytes, { file: shown })
  const parsed = checkShape<ConfigFile>(configSchema, document.value, {
    what: shown,
    locate: (path) => document.locate(path),
  })
  // C2SP checkpoint: the origin is one line, and a key name has neither space nor plus.
  if (!/^[^\s+]+$/u.test(parsed.log.origin)) {
    throw new SallyportError({
      code: 'CONFIG_LOG_ORIGIN',
      where: `${document.locate(['log', 'origin'])} log.origin`,
      expected: 'a name without spaces and plus signs, such as log.example.com/decisions',
      found: JSON.stringify(parsed.log.origin),
      fix: 'Correct log.origin; once a log has entries, its origin must stay as it was',
    })
  }
  return parsed
}

function configOf(
  parsed: ConfigFile,
  place: ConfigOptions & { readonly home: string; readonly file: string },
): Config {
  const { home, file, env, cwd } = place
  const inHome = (path: string): string => resolve(home, path)
  const fromEnv = (path: string): string => resolve(cwd, path)
  const trust = valueOf(env, 'SALLYPORT_TRUST')
  const policies = valueOf(env, 'SALLYPORT_POLICIES')?.split(':')
  const memory = inHome(parsed.log.memory)
  const isShared = parsed.store.postgres !== undefined
  const spool = spoolOf(home, parsed.log.spool, { memory, isShared })
  return {
    home,
    file,
    chokePoint: valueOf(env, 'SALLYPORT_CHOKE_POINT') ?? parsed.chokePoint,
    trust: trust === undefined ? inHome(parsed.trust) : fromEnv(trust),
    policies: policies?.filter((path) => path !== '').map(fromEnv) ?? parsed.policies.map(inHome),
    metaPolicies: parsed.metaPolicies.map(inHome),
    ...(parsed.verifierId === undefined ? {} : { verifierId: parsed.verifierId }),
    log: {
      origin: parsed.log.origin,
      verifierKeys: parsed.log.verifierKeys,
      folder: inHome(parsed.log.folder),
      memory,
      ...(spool === undefined ? {} : { spool }),
      ...logWitnessesOf(home, parsed.log.witnesses),
    },
    keys: keysOf(home, parsed.keys),
    build: {
      folder: inHome(parsed.build.folder),
      blobs: inHome(parsed.build.blobs),
      work: inHome(parsed.build.work),
      root: parsed.build.root,
      ...buildRecordOf(home, parsed.build.record),
    },
    evidence: evidenceOf(home, parsed.evidence, env),
    ...(parsed.rulebook === undefined ? {} : { rulebook: rulebookOf(home, parsed.rulebook) }),
    store: storeOf(home, parsed.store),
    serve: serveOf(home, parsed.serve),
    access: accessOf(home, parsed.access),
    accessReview: accessReviewOf(parsed.accessReview),
    chokePoints: chokePointsOf(parsed.chokePoints),
    alarms: alarmsOf(home, parsed.alarms),
    events: eventsOf(home, parsed.events),
    breakglass: { folder: inHome(parsed.breakglass.folder) },
    ...(parsed.admission === undefined ? {} : { admission: parsed.admission }),
    proxies: proxiesOf(home, parsed.proxies),
  }
}

/** Where evidence is looked for when there is no home: nowhere but where the artifact lies. */
export function defaultEvidence(env: Environment): EvidencePlaces {
  return evidenceOf('/', evidenceSchema.parse({}), env)
}

function evidenceOf(
  home: string,
  { directories, stores, registries, npm, timeoutSeconds }: ConfigFile['evidence'],
  env: Environment,
): EvidencePlaces {
  const { allow, plainHttp, ca, allowAddressesUnsafe } = registries
  const docker = dockerConfigFile(env)
  const own = registries.credentials
  const credentials = own === undefined ? docker : resolve(home, own)
  return {
    directories: directories.map((path) => resolve(home, path)),
    stores,
    registries: {
      ...(allow === undefined ? {} : { allow }),
      ...(plainHttp === undefined ? {} : { plainHttp }),
      ...(ca === undefined ? {} : { ca: resolve(home, ca) }),
      ...(credentials === undefined ? {} : { credentials }),
      allowAddresses: allowAddressesUnsafe,
    },
    ...(npm.registry === undefined ? {} : { npmRegistry: npm.registry }),
    timeoutMs: Math.round(timeoutSeconds * 1000),
  }
}

/** Where the keys of a home folder are; also asked by `init`, before there is a configuration. */
export function keysOf(home: string, given: ConfigFile['keys'] = {}): KeySet {
  const inHome = (path: string): string => resolve(home, path)
  const key = (files: KeyFiles | undefined, name: string): KeyFiles => ({
    file: inHome(files?.file ?? `keys/${name}.pem`),
    passphraseFile: inHome(files?.passphraseFile ?? `keys/${name}.pass`),
  })
  return {
    builderPinned: key(given.builderPinned, 'builder-pinned'),
    builderMeasured: key(given.builderMeasured, 'builder-measured'),
    approver: key(given.approver, 'release-manager'),
    verifier: key(given.verifier, 'verifier'),
    breakglass: key(given.breakglass, 'breakglass'),
    log: {
      ...key(given.log, 'log'),
      mlDsaFile: inHome(given.log?.mlDsaFile ?? 'keys/log-ml-dsa.pem'),
    },
  }
}
