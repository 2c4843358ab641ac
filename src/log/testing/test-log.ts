import { openLog, type Log } from '../log.ts'
import type { LogView } from '../view.ts'
import { MemoryDisk } from './memory-storage.ts'
import { RememberingSigner, VolatileMemory } from './remembering-signer.ts'

/** A log in memory with the keys of tests: two of them are two histories that the same keys sign. */
export async function testLog(entries: readonly string[]): Promise<{
  readonly log: Log
  readonly verifierKeys: readonly string[]
  view(): Promise<LogView>
}> {
  const signer = new RememberingSigner(new VolatileMemory(), 1)
  const log = await openLog({ storage: new MemoryDisk().open(), signer })
  for (const entry of entries) await log.append(Buffer.from(entry))
  // So that its checkpoint has all of them.
  await log.view()
  return { log, verifierKeys: signer.verifierKeys, view: () => log.view() }
}
