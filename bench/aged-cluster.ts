import { startCluster, type Cluster } from '../test/postgres/cluster.ts'

const segments = 64

/**
 * PostgreSQL with half a gigabyte of write-ahead log to use again, as one has that runs for a while. A new one makes each segment of
 * 16 MB when it gets there, and everybody waits until the disk has it.
 */
export async function startAgedCluster(): Promise<Cluster> {
  const cluster = await startCluster(['min_wal_size=1GB'])
  for (let at = 0; at < segments; at += 1) {
    await cluster.say('postgres', `SELECT pg_logical_emit_message(true, 'sallyport', 'aged')`)
    await cluster.say('postgres', 'SELECT pg_switch_wal()')
  }
  await cluster.say('postgres', 'CHECKPOINT')
  return cluster
}
