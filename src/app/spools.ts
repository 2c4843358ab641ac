import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '#config'
import { Spool } from '#log'
import { openFileSpool, type FileSpoolOptions } from '#store'

/** Gates that share a home have a spool each: as many as this. */
const most = 8

/** Where the spools of a home are, whoever has them. */
export function placesOfSpools({ log: { spool } }: Config): readonly FileSpoolOptions[] {
  if (spool === undefined) return []
  return Array.from({ length: most }, (_, at) => ({
    folder: join(spool.folder, String(at)),
    memory: `${spool.memory}.${at}`,
  }))
}

/** A spool that has not been opened. */
export function spoolAt(
  { log: { origin, spool } }: Config,
  place: FileSpoolOptions,
  clock: () => Date,
): Spool {
  if (spool === undefined) throw new TypeError('no spool is configured')
  const { maxEntries, maxBytes } = spool
  return new Spool({
    storage: openFileSpool(place),
    origin,
    limits: { maxEntries, maxBytes },
    clock,
  })
}

/**
 * Takes the first spool of a home that no other gate has; the last one, untaken, when they have all.
 *
 * @throws SallyportError LOG_SPOOL_DAMAGED, LOG_SPOOL_FAILED
 */
export async function takeSpool(config: Config, clock: () => Date): Promise<Spool> {
  let spool: Spool | undefined
  for (const place of placesOfSpools(config)) {
    await spool?.close()
    spool = spoolAt(config, place, clock)
    if (await spool.open()) return spool
  }
  if (spool === undefined) throw new TypeError('no spool is configured')
  return spool
}

/** What gates have left behind that do not run any more: opened, with entries that wait. */
export async function takeLeftSpools(config: Config, clock: () => Date): Promise<readonly Spool[]> {
  const left: Spool[] = []
  for (const place of placesOfSpools(config)) {
    if (!existsSync(place.folder)) continue
    const spool = spoolAt(config, place, clock)
    const isWaiting = (await spool.open()) && spool.standing.entries > 0
    if (isWaiting) left.push(spool)
    else await spool.close()
  }
  return left
}
