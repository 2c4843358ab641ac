import { join } from 'node:path'
import { homeOf, keysOf, loadConfig, type ConfigOptions } from '#config'
import { openGate } from '../gate.ts'
import { homeFacts, type FactOptions } from './facts.ts'
import { HomeFiles, type HomeItem } from './files.ts'
import { makeKeys, type HomeKeys } from './keys.ts'
import { configText, productionText, stagingText, trustText } from './templates.ts'

export interface InitOptions extends FactOptions {
  /** The name of the log, for ever; default `sallyport.local/log`. */
  readonly logOrigin?: string
  readonly now: Date
}

export interface InitReport {
  readonly home: string
  readonly items: readonly HomeItem[]
}

const defaults = {
  trust: 'trust.yaml',
  policies: 'policies',
  log: 'log',
  memory: 'keys/log.memory',
}

/**
 * Makes a home folder, or completes one. What is there is never overwritten: keys, trust file and policies
 * belong to their owner from the moment they exist. `sallyport.yaml` is written last, so a home that has one is whole.
 */
export async function initHome(options: InitOptions): Promise<InitReport> {
  const home = homeOf(options)
  const files = new HomeFiles(home)
  const configFile = join(home, 'sallyport.yaml')
  const complete = await files.has(configFile)
  const place = complete ? placeOf(home, options) : defaultPlace(home, options.logOrigin)
  const policies = policyTexts.map(([name, text]) => ({
    file: join(place.policies, `${name}.yaml`),
    what: `what may run in ${name}`,
    text,
  }))
  // Before any key is made: a home that cannot be completed is not begun.
  const missing = await files.missing(policies.map(({ file }) => file))
  const facts = missing ? await homeFacts(options) : undefined
  await files.folder(home, 'only you can enter it')
  await files.folder(join(home, 'keys'))
  const keys = await makeKeys(files, { ...place, complete })
  await files.text(place.trust, 'who may say what', async () =>
    trustText(options.now, await keys.publicKeys()),
  )
  for (const { file, what, text } of policies) {
    await files.text(file, what, async () => text(facts ?? (await homeFacts(options))))
  }
  if (complete) files.note(configFile, configPurpose, 'kept')
  else await finish(files, configFile, keys, options)
  return { home, items: sorted(files.items) }
}

const configPurpose = 'where things are'

/** Writes the configuration and begins the log: an empty one with a signed checkpoint, so that nobody can say later that there was none. */
async function finish(
  files: HomeFiles,
  configFile: string,
  keys: HomeKeys,
  options: InitOptions,
): Promise<void> {
  await using signer = await keys.startLogSigner()
  const { origin, verifierKeys } = signer
  await files.text(configFile, configPurpose, () => configText({ origin, verifierKeys }))
  await using gate = await openGate(loadConfig(options), Promise.resolve(signer))
  void gate
}

const policyTexts = [
  ['staging', stagingText],
  ['production', productionText],
] as const

/** The paths of a home that has a configuration; reading it also checks that the home is safe. */
function placeOf(home: string, options: ConfigOptions) {
  const { keys, log, trust } = loadConfig(options)
  return { keys, log, trust, policies: join(home, defaults.policies) }
}

function defaultPlace(home: string, origin = 'sallyport.local/log') {
  return {
    keys: keysOf(home),
    log: {
      origin,
      folder: join(home, defaults.log),
      memory: join(home, defaults.memory),
    },
    trust: join(home, defaults.trust),
    policies: join(home, defaults.policies),
  }
}

/** The folder first, then what a reader opens first, then the keys. */
function sorted(items: readonly HomeItem[]): HomeItem[] {
  const rank = ({ path }: HomeItem): string => {
    if (path === '.') return '0'
    if (path.startsWith('keys')) return `3${path}`
    return path.includes('/') ? `2${path}` : `1${path}`
  }
  return [...items].sort((a, b) => (rank(a) < rank(b) ? -1 : 1))
}
