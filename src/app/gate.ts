import type { Config } from '#config'
import { openLog, type BodyStore, type Log } from '#log'
import { startSigner, type LogSigner } from '#signer'
import { openFileBlobs, openFileLogStorage } from '#store'

/** The log of a home folder, open for recording. */
export interface Gate extends AsyncDisposable {
  readonly log: Log
  readonly bodies: BodyStore
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

/** Opens the log with its signer; both are closed with the gate. */
export async function openGate(config: Config, starting: Promise<LogSigner>): Promise<Gate> {
  // Closed in the opposite order, and all of it whatever fails on the way.
  await using opening = new AsyncDisposableStack()
  const signer = opening.use(await starting)
  const storage = openFileLogStorage(config.log.folder)
  opening.defer(() => storage.close())
  const log = await openLog({ storage, signer })
  opening.defer(() => log.close())
  const opened = opening.move()
  return {
    log,
    bodies: openFileBlobs(config.build.blobs).bodies,
    signerEnded: signer.ended,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}
