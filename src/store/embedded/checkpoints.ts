import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { quote, SallyportError } from '#error'
import type { WitnessStore } from '#log'
import { makeFolder, syncFolder, writeWhole } from './durable.ts'
import { useWriteAheadLog } from './sqlite.ts'

/** The newest checkpoint of each log, in a folder, and what proves a fork. */
export interface FileCheckpoints extends WitnessStore {
  /** Lets go of everything it holds open. */
  close(): void
}

export interface FileCheckpointsOptions {
  /** Whether `replace` waits for the disk. A witness needs it; who could ask its witnesses again does not. */
  readonly durable: boolean
}

const maxEvidence = 16
const busyMs = 5000

/**
 * Keeps checkpoints in a SQLite file: what is there is compared and replaced in one transaction, whoever else does so,
 * and with `durable` it is on the disk when that is told. What proves a fork is a text file in `evidence/`.
 */
export function openFileCheckpoints(
  folder: string,
  { durable }: FileCheckpointsOptions,
): FileCheckpoints {
  const database = trySync(folder, () => openDatabase(folder, durable))
  const select = database.prepare('SELECT note FROM checkpoints WHERE origin = ?')
  const upsert = database.prepare(
    'INSERT INTO checkpoints (origin, note) VALUES (?, ?) ON CONFLICT (origin) DO UPDATE SET note = excluded.note',
  )
  const read = (origin: string): string | undefined =>
    (select.get(origin) as { readonly note: string } | undefined)?.note
  const replace = (origin: string, expected: string | undefined, note: string): boolean => {
    database.exec('BEGIN IMMEDIATE')
    try {
      const isExpected = read(origin) === expected
      if (isExpected) upsert.run(origin, note)
      database.exec('COMMIT')
      return isExpected
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
  }
  return {
    newest: async (origin) => trySync(folder, () => read(origin)),
    replace: async (origin, expected, note) =>
      trySync(folder, () => replace(origin, expected, note)),
    keepEvidence: async (origin, evidence) => {
      try {
        return await writeEvidence(folder, origin, evidence)
      } catch (cause) {
        throw failed(folder, cause)
      }
    },
    close: () => database.close(),
  }
}

function openDatabase(folder: string, durable: boolean): DatabaseSync {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const database = new DatabaseSync(join(folder, 'checkpoints.db'), { timeout: busyMs })
  useWriteAheadLog(database)
  database.exec(`PRAGMA synchronous = ${durable ? 'FULL' : 'NORMAL'}`)
  database.exec(
    'CREATE TABLE IF NOT EXISTS checkpoints (origin TEXT PRIMARY KEY, note TEXT NOT NULL) STRICT',
  )
  return database
}

async function writeEvidence(folder: string, origin: string, evidence: string): Promise<string> {
  const place = join(folder, 'evidence')
  await makeFolder(place, 0o700)
  const log = `${digestOf(origin)}-`
  const name = `${log}${digestOf(evidence)}.txt`
  const kept = (await readdir(place)).filter((one) => one.startsWith(log))
  if (kept.includes(name)) return join(place, name)
  // Enough to prove it; more may be somebody who fills the disk, and the places of other logs.
  if (kept.length >= maxEvidence) return place
  const how = { temporary: folder, mode: 0o600, durable: true }
  await writeWhole(join(place, name), Buffer.from(evidence), how)
  await syncFolder(place)
  return join(place, name)
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

function trySync<T>(folder: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    throw failed(folder, cause)
  }
}

function failed(folder: string, cause: unknown): SallyportError {
  return new SallyportError(
    {
      code: 'WITNESS_STATE_FAILED',
      where: folder,
      expected: 'to read and write checkpoints durably',
      found: quote(cause instanceof Error ? cause.message : cause),
      fix: `Check the disk, and the rights of this user in "${folder}"`,
    },
    { cause },
  )
}
