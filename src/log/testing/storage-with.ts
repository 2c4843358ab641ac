import type { LogStorage } from '../ports.ts'
import type { Machine } from './simulation.ts'

/** The storage of a machine, with something between. */
export function storageWith(
  machine: Machine,
  between: {
    readonly beforeSettle?: () => Promise<void>
    readonly beforeReplace?: () => void
    readonly afterRead?: (bytes: Uint8Array, from: number) => Uint8Array
  },
): LogStorage {
  const storage = machine.disk.open()
  const { beforeSettle, beforeReplace, afterRead = (bytes) => bytes } = between
  return {
    read: async (path) => storage.read(path),
    peekJournal: async () => storage.peekJournal(),
    prune: async (paths) => storage.prune(paths),
    close: async () => storage.close(),
    settle: async (paths) => {
      if (paths.length > 0) await beforeSettle?.()
      await storage.settle(paths)
    },
    lock: async () => {
      const writer = await storage.lock()
      return {
        journalMark: async () => writer.journalMark(),
        readJournal: async (from) => afterRead(await writer.readJournal(from), from),
        appendJournal: async (bytes) => writer.appendJournal(bytes),
        write: async (files) => writer.write(files),
        isWanted: () => writer.isWanted(),
        unlock: async () => writer.unlock(),
        replaceJournal: async (bytes) => {
          beforeReplace?.()
          await writer.replaceJournal(bytes)
        },
      }
    },
  }
}
