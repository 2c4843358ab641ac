// Durable appends: each is answered only after fsync and under a signed checkpoint (Ed25519 and ML-DSA-44).
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { openLog } from '#log'
import { createCheckpointMemory, createKey, startSigner, type LogSigner } from '#signer'
import { openFileLogStorage } from '#store'
import { percentile, rawSyncs } from './machine.ts'
import { milliseconds, perSecond, print, type Row } from './report.ts'

const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-log-'))
const rows: Row[] = []
const raw = rawSyncs()
const limit = `raw 4 KiB fsync ${perSecond(raw.perSecond)}, p50 ${milliseconds(raw.p50)}`
try {
  for (const concurrency of [1, 16, 256, 1024]) rows.push(await appends(concurrency))
  print('Log: durable appends of 1 KiB, signer in its own process', rows)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function appends(concurrency: number): Promise<Row> {
  const home = join(folder, String(concurrency))
  const signer = await startLogSigner(home)
  const storage = openFileLogStorage(join(home, 'log'))
  const log = await openLog({ storage, signer })
  const taken: number[] = []
  const until = performance.now() + 2500
  const started = performance.now()
  const one = async (): Promise<void> => {
    while (performance.now() < until) {
      const begun = performance.now()
      await log.append(randomBytes(1024))
      taken.push(performance.now() - begun)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, one))
  const rate = (taken.length * 1000) / (performance.now() - started)
  await log.close()
  await storage.close()
  await signer.close()
  return {
    what: `${concurrency} at a time`,
    ours: `${perSecond(rate)}, p50 ${milliseconds(percentile(taken, 50))}, p99 ${milliseconds(percentile(taken, 99))}`,
    limit,
    ...(concurrency === 256 ? { bar: '>= 10,000/s, p50 <= 15 ms' } : {}),
  }
}

async function startLogSigner(home: string): Promise<LogSigner> {
  mkdirSync(home, { mode: 0o700 })
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
