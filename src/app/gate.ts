import { useMarks } from '#breakglass'
import type { Config } from '#config'
import { openLog, openSharedLog, type BodyStore, type Log, type SharedLogStore } from '#log'
import { queueMarks } from '#recheck'
import { startSigner, type LogSigner } from '#signer'
import { openFileBlobs, openFileLogStorage } from '#store'
import { hasLogKeys, openDatabase } from './database.ts'

/** What a gate that runs looks for in its log every second. */
const marks = [...new Set([...useMarks, ...queueMarks])]

/** The log of a home folder, open for recording. */
export interface Gate extends AsyncDisposable {
  readonly log: Log
  readonly bodies: BodyStore
  /** Where replicas share it; absent for a log in files. */
  readonly shared?: SharedLogStore
  /** Resolves when the process with the log's keys has ended, whatever ended it. */
  readonly signerEnded: Promise<void>
}

/** Starts the process that holds the log's keys. It takes a moment, so it is asked for before anything else. */
export function startLogSigner(config: Config): Promise<LogSigner> {
  const { file: keyFile, mlDsaFile, passphraseFile } = config.keys.log
  const { origin, memory: memoryFile } = config.log
  const role = { kind: 'log', origin, memoryFile, mlDsaKeyFile: mlDsaFile } as const
  return startSigner({ keyFile, passphraseFile, role })
}

/** The same, unless this is a replica without keys, for which others sequence. */
export async function startGateSigner(config: Config): Promise<LogSigner | undefined> {
  return hasLogKeys(config) ? startLogSigner(config) : undefined
}

/** Opens the log with its signer; both are closed with the gate. */
export async function openGate(
  config: Config,
  starting: Promise<LogSigner | undefined>,
): Promise<Gate> {
  // Closed in the opposite order, and all of it whatever fails on the way.
  await using opening = new AsyncDisposableStack()
  const signer = await starting
  if (signer !== undefined) opening.use(signer)
  const kept = await openKept(config, signer, opening)
  opening.defer(() => kept.log.close())
  const opened = opening.move()
  return {
    ...kept,
    signerEnded: signer?.ended ?? new Promise(() => undefined),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

async function openKept(
  { log: { origin, verifierKeys, folder }, store: { postgres }, build }: Config,
  signer: LogSigner | undefined,
  opening: AsyncDisposableStack,
): Promise<Pick<Gate, 'log' | 'bodies' | 'shared'>> {
  if (postgres !== undefined) {
    const store = await openDatabase(postgres)
    opening.defer(store.close)
    const more = signer === undefined ? {} : { signer }
    const { waitMs } = postgres
    const given = { store: store.log, origin, verifierKeys, waitMs, marks }
    const log = await openSharedLog({ ...given, ...more })
    return { log, bodies: store.bodies, shared: store.log }
  }
  if (signer === undefined) throw new TypeError('a log in a folder needs its signer')
  const storage = openFileLogStorage(folder)
  opening.defer(() => storage.close())
  return {
    log: await openLog({ storage, signer, marks }),
    bodies: openFileBlobs(build.blobs).bodies,
  }
}
