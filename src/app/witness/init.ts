import { join } from 'node:path'
import {
  loadWitnessConfig,
  witnessHomeOf,
  witnessKeysOf,
  type ConfigOptions,
  type WitnessConfig,
} from '#config'
import { quote, SallyportError } from '#error'
import { parseVerifierKey } from '#merkle'
import { createKey, startSigner, type WitnessSigner } from '#signer'
import { openFileCheckpoints } from '#store'
import { HomeFiles, type HomeItem } from '../init/files.ts'
import { readRegular } from '../read-regular.ts'

export interface WitnessInitOptions extends ConfigOptions {
  /** Of the witness, for ever: the name of its keys. */
  readonly name: string
  /** Files with the verifier keys of logs to watch, one on each line. */
  readonly logs: readonly string[]
}

export interface WitnessInitReport {
  readonly home: string
  readonly items: readonly HomeItem[]
  readonly name: string
  readonly verifierKeys: readonly string[]
  readonly origins: readonly string[]
}

/**
 * Makes the home of a witness: its keys, its memory and `witness.yaml`, which is written last. What is there is never
 * overwritten; a witness that is whole already is only described.
 */
export async function initWitness(options: WitnessInitOptions): Promise<WitnessInitReport> {
  const home = witnessHomeOf(options)
  const files = new HomeFiles(home)
  const file = join(home, 'witness.yaml')
  if (!(await files.has(file))) {
    const logs = await readLogs(options.logs)
    checkName(options.name)
    await files.folder(home, 'only you can enter it')
    await makeKeys(files, witnessKeysOf(home))
    await files.text(file, 'what it watches, and where it listens', () =>
      textOf(options.name, logs),
    )
    const config = loadWitnessConfig(options)
    openFileCheckpoints(config.folder, { durable: true }).close()
    files.note(config.folder, 'what it has cosigned: without it, it must not go on', 'made')
  } else {
    files.note(file, 'what it watches, and where it listens', 'kept')
    refuseOther(loadWitnessConfig(options), options)
  }
  const config = loadWitnessConfig(options)
  await using signer = await startWitnessSigner(config)
  const { name, verifierKeys } = signer
  const origins = config.logs.map(({ origin }) => origin)
  return { home, items: files.items, name, verifierKeys, origins }
}

/** Starts the process that holds the keys of a witness. */
export function startWitnessSigner({ keys, name, logs }: WitnessConfig): Promise<WitnessSigner> {
  const { file: keyFile, mlDsaFile: mlDsaKeyFile, passphraseFile } = keys
  const role = { kind: 'witness', name, mlDsaKeyFile, logs } as const
  return startSigner({ keyFile, passphraseFile, role })
}

async function makeKeys(
  files: HomeFiles,
  { file, mlDsaFile, passphraseFile }: WitnessConfig['keys'],
): Promise<void> {
  await files.passphrase(passphraseFile)
  for (const [at, algorithm, what] of [
    [file, 'ed25519', 'Ed25519 key: cosigns checkpoints'],
    [mlDsaFile, 'ml-dsa-44', 'ML-DSA-44 key: cosigns checkpoints'],
  ] as const) {
    const isThere = await files.has(at)
    if (!isThere) await createKey({ algorithm, file: at, passphraseFile })
    files.note(at, what, isThere ? 'kept' : 'made')
  }
}

interface WatchedLog {
  readonly origin: string
  readonly verifierKeys: string[]
}

/** Keys of one name are of one log: the name is its origin. */
async function readLogs(paths: readonly string[]): Promise<readonly WatchedLog[]> {
  const logs = new Map<string, WatchedLog>()
  for (const path of paths) {
    const lines = (await readKeys(path)).split('\n').map((line) => line.trim())
    for (const line of lines.filter((text) => text !== '' && !text.startsWith('#'))) {
      const { name } = parseVerifierKey(line)
      const log = logs.get(name) ?? { origin: name, verifierKeys: [] }
      log.verifierKeys.push(line)
      logs.set(name, log)
    }
  }
  return [...logs.values()]
}

const maxBytes = 4 * 1024 * 1024

async function readKeys(path: string): Promise<string> {
  try {
    return (await readRegular(path, maxBytes)).toString()
  } catch (cause) {
    throw new SallyportError(
      {
        code: 'FILE_UNREADABLE',
        where: path,
        expected: 'the verifier keys of a log, one on each line',
        found: (cause as NodeJS.ErrnoException).code ?? 'an unknown error',
        fix: 'Write them with `sallyport log keys > FILE` at the log, and name that file',
      },
      { cause },
    )
  }
}

function textOf(name: string, logs: readonly WatchedLog[]): string {
  const lines = logs.flatMap(({ origin, verifierKeys }) => [
    `  - origin: ${JSON.stringify(origin)}`,
    '    verifierKeys:',
    ...verifierKeys.map((key) => `      - ${JSON.stringify(key)}`),
  ])
  return [
    'apiVersion: sallyport.dev/v1',
    'kind: Witness',
    `name: ${JSON.stringify(name)}`,
    '# The logs whose checkpoints it cosigns. Every key of a log must have signed.',
    lines.length === 0 ? 'logs: []' : `logs:\n${lines.join('\n')}`,
    '# Others reach it only with TLS: serve: {host: 0.0.0.0, port: 8444, tls: {certificate: …, key: …}}',
    'serve: {host: 127.0.0.1, port: 8444}',
    '',
  ].join('\n')
}

function checkName(name: string): void {
  if (/^[^\s+]{1,255}$/u.test(name)) return
  throw new SallyportError({
    code: 'NOTE_KEY_MALFORMED',
    where: 'name of the witness',
    expected: 'a name without spaces and plus signs, such as witness.example/w1',
    found: quote(name, 60),
    fix: 'Choose another name; it stays for as long as there is the witness',
  })
}

function refuseOther({ name, file }: WitnessConfig, options: WitnessInitOptions): void {
  if (name === options.name && options.logs.length === 0) return
  throw new SallyportError({
    code: 'WITNESS_EXISTS',
    where: file,
    expected: 'no witness here yet',
    found: `the witness ${quote(name, 60)}`,
    fix: `Change "logs" in ${file} and start it again, or name another home with --home`,
  })
}
