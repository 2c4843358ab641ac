import type { KeySet, KeyFiles } from '#config'
import { predicateTypes } from '#attestation'
import { SallyportError } from '#error'
import {
  builderIds,
  createCheckpointMemory,
  createKey,
  startSigner,
  type KeyAlgorithm,
  type LogSigner,
  type LogSignerOptions,
  type PublicKey,
  type StatementSignerOptions,
} from '#signer'
import { startStatementSigner } from '../statement-signer.ts'
import type { HomeFiles } from './files.ts'

type StatementRole = StatementSignerOptions['role']

/** What each key of a home may sign. The signer process holds itself to it. */
export const roles = {
  builderPinned: { kind: 'builder', builderIds: [builderIds.workstationPinned] },
  builderMeasured: { kind: 'builder', builderIds: [builderIds.workstationMeasured] },
  approver: { kind: 'approver', predicateTypes: [predicateTypes.approval] },
} as const satisfies Record<string, StatementRole>

/** The public halves of the keys that sign statements. */
export interface PublicKeys {
  readonly builderPinned: PublicKey
  readonly builderMeasured: PublicKey
  readonly approver: PublicKey
}

/** Where a log and its signer's memory are, and what the log is called. */
export interface LogPlace {
  readonly origin: string
  readonly memory: string
  readonly folder: string
}

/** The keys of a home, which are there now. What is asked for here starts signers, so it is asked for only when needed. */
export interface HomeKeys {
  readonly publicKeys: () => Promise<PublicKeys>
  /** The caller closes it. */
  readonly startLogSigner: () => Promise<LogSigner>
}

export interface KeyPlaces {
  readonly keys: KeySet
  readonly log: LogPlace
  /** Whether this home was whole once: then its log has a past that must not be forgotten. */
  readonly complete: boolean
}

/** Makes the keys that are missing. No private key passes through this process. */
export async function makeKeys(files: HomeFiles, places: KeyPlaces): Promise<HomeKeys> {
  const { keys } = places
  const provenance = 'signs provenance of builds on a'
  const [builderPinned, builderMeasured, approver, startLogSigner] = await Promise.all([
    statementKey(files, keys.builderPinned, `${provenance} pinned root`, roles.builderPinned),
    statementKey(files, keys.builderMeasured, `${provenance} measured root`, roles.builderMeasured),
    statementKey(files, keys.approver, 'signs approvals, as the release managers', roles.approver),
    makeLogKeys(files, places),
  ])
  return {
    publicKeys: async () => ({
      builderPinned: await builderPinned(),
      builderMeasured: await builderMeasured(),
      approver: await approver(),
    }),
    startLogSigner,
  }
}

async function statementKey(
  files: HomeFiles,
  key: KeyFiles,
  what: string,
  role: StatementRole,
): Promise<() => Promise<PublicKey>> {
  const made = await makeKey(files, { ...key, algorithm: 'ecdsa-p256', what: `P-256 key: ${what}` })
  return async () => {
    if (made !== undefined) return made
    await using signer = await startStatementSigner(files, key, role)
    return { publicKeyPem: signer.publicKeyPem, keyid: signer.keyid }
  }
}

interface KeyRequest extends KeyFiles {
  readonly algorithm: KeyAlgorithm
  readonly what: string
}

/** Answers nothing when the key was there already. */
async function makeKey(files: HomeFiles, key: KeyRequest): Promise<PublicKey | undefined> {
  const { file, passphraseFile, algorithm, what } = key
  if (await files.has(file)) {
    if (!(await files.has(passphraseFile))) throw passphraseLost(key)
    files.note(file, what, 'kept')
    return undefined
  }
  await files.passphrase(passphraseFile)
  const made = await createKey({ algorithm, file, passphraseFile })
  files.note(file, what, 'made')
  return made
}

async function makeLogKeys(
  files: HomeFiles,
  places: KeyPlaces,
): Promise<HomeKeys['startLogSigner']> {
  const { file, mlDsaFile, passphraseFile } = places.keys.log
  const what = 'signs checkpoints of the log'
  await makeKey(files, { file, passphraseFile, algorithm: 'ed25519', what: `Ed25519 key: ${what}` })
  await makeKey(files, {
    file: mlDsaFile,
    passphraseFile,
    algorithm: 'ml-dsa-44',
    what: `ML-DSA-44 key: ${what}`,
  })
  const { origin, memory: memoryFile } = places.log
  const options: LogSignerOptions = {
    keyFile: file,
    passphraseFile,
    role: { kind: 'log', origin, memoryFile, mlDsaKeyFile: mlDsaFile },
  }
  await makeMemory(files, options, places)
  return () => startSigner(options)
}

/** Only for a log that never was: a memory that is made again forgets what was signed, and the log could be rolled back. */
async function makeMemory(
  files: HomeFiles,
  options: LogSignerOptions,
  { log, complete }: KeyPlaces,
): Promise<void> {
  if (await files.has(log.memory)) return
  if (complete || (await files.has(log.folder))) {
    throw new SallyportError({
      code: 'HOME_INCOMPLETE',
      where: log.memory,
      expected: "the log signer's memory of the newest checkpoint it signed",
      found: `no such file, but a log that was begun, in ${log.folder}`,
      fix: `Restore ${log.memory} from where it was kept; without it nobody can tell whether the log was rolled back`,
    })
  }
  await createCheckpointMemory(options)
}

function passphraseLost(key: KeyFiles): SallyportError {
  return new SallyportError({
    code: 'HOME_INCOMPLETE',
    where: key.passphraseFile,
    expected: `the passphrase of ${key.file}`,
    found: 'no such file',
    fix: `Restore it, or retire the key in trust.yaml, move ${key.file} away and run \`sallyport init\``,
  })
}
