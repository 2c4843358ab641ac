import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createCheckpointMemory, createKey, startSigner, type LogSigner } from '#signer'

/** A signer in its own process, with new keys in a folder. */
export async function startBenchSigner(home: string): Promise<LogSigner> {
  const inHome = (name: string): string => join(home, name)
  const passphraseFile = inHome('passphrase')
  writeFileSync(passphraseFile, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600 })
  const keyFile = inHome('log.pem')
  const mlDsaKeyFile = inHome('log-ml-dsa.pem')
  await createKey({ algorithm: 'ed25519', file: keyFile, passphraseFile })
  await createKey({ algorithm: 'ml-dsa-44', file: mlDsaKeyFile, passphraseFile })
  const role = {
    kind: 'log',
    origin: 'bench.example/log',
    memoryFile: inHome('memory'),
    mlDsaKeyFile,
  } as const
  await createCheckpointMemory({ keyFile, passphraseFile, role })
  return startSigner({ keyFile, passphraseFile, role })
}
