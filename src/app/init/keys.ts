import type { KeySet, KeyFiles } from '#config'
import { predicateTypes } from '#attestation'
import { SallyportError } from '#error'
import {
  builderIds,
  createCheckpointMemory,
  createKey,
  startSigner,
  type KeyAlgorithm,
  type LogSignerOptions,
  type PublicKey,
  type StatementSignerOptions,
} from '#signer'
import type { HomeFiles } from './files.ts'

type StatementRole = StatementSignerOptions['role']

/** What each key of a home may sign. The signer process holds itself to it. */
export const roles = {
  builderPinned: { kind: 'builder', builderIds: [builderIds.workstationPinned] },
  builderMeasured: { kind: 'builder', builderIds: [builderIds.workstationMeasured] },
  approver: { kind: 'approver', predicateTypes: [predicateTypes.approval] },
} as const satisfies Record<string, StatementRole>

/** The public halves of the keys of a home folder. */
export interface PublicKeys {
  readonly builderPinned: PublicKey
  readonly builderMeasured: PublicKey
  readonly approver: PublicKey
  readonly log: { readonly origin: string; readonly verifierKeys: readonly string[] }
}

/** Where a log and its signer's memory are, and what the log is called. */
export interface LogPlace {
  readonly origin: string
  readonly memory: string
  readonly folder: string
}

/**
 * Makes the keys that are missing, and answers how to get the public halves: those that were there already are
 * read by starting their signers, only when somebody asks. No private key passes through this process.
 */
export async function makeKeys(
  files: HomeFiles,
  keys: KeySet,
  log: LogPlace,
): Promise<() => Promise<PublicKeys>> {
  const provenance = 'signs provenance of builds on a'
  const [builderPinned, builderMeasured, approver, logKeys] = await Promise.all([
    statementKey(files, keys.builderPinned, `${provenance} pinned root`, roles.builderPinned),
    statementKey(files, keys.builderMeasured, `${provenance} measured root`, roles.builderMeasured),
    statementKey(files, keys.approver, 'signs approvals, as the release managers', roles.approver),
    makeLogKeys(files, keys.log, log),
  ])
  return async () => ({
    builderPinned: await builderPinned(),
    builderMeasured: await builderMeasured(),
    approver: await approver(),
    log: await logKeys(),
  })
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
    const { file: keyFile, passphraseFile } = key
    await using signer = await startSigner({ keyFile, passphraseFile, role })
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
  key: KeySet['log'],
  log: LogPlace,
): Promise<() => Promise<PublicKeys['log']>> {
  const { file, mlDsaFile, passphraseFile } = key
  const what = 'signs checkpoints of the log'
  await makeKey(files, { file, passphraseFile, algorithm: 'ed25519', what: `Ed25519 key: ${what}` })
  await makeKey(files, {
    file: mlDsaFile,
    passphraseFile,
    algorithm: 'ml-dsa-44',
    what: `ML-DSA-44 key: ${what}`,
  })
  const { origin, memory: memoryFile } = log
  const options: LogSignerOptions = {
    keyFile: file,
    passphraseFile,
    role: { kind: 'log', origin, memoryFile, mlDsaKeyFile: mlDsaFile },
  }
  await makeMemory(files, options, log)
  return async () => {
    await using signer = await startSigner(options)
    return { origin: signer.origin, verifierKeys: signer.verifierKeys }
  }
}

/** Only for a log that never was: a memory that is made again forgets what was signed, and the log could be rolled back. */
async function makeMemory(
  files: HomeFiles,
  options: LogSignerOptions,
  log: LogPlace,
): Promise<void> {
  if (await files.has(log.memory)) return
  if (await files.has(log.folder)) {
    throw new SallyportError({
      code: 'HOME_INCOMPLETE',
      where: log.memory,
      expected: "the log signer's memory of the newest checkpoint it signed",
      found: `no such file, but a log in ${log.folder}`,
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
