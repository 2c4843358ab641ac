import { open } from 'node:fs/promises'

const block = Buffer.alloc(4096, 1)
const room = 64 * 2 ** 20

/**
 * What any log has to wait for: 4 KiB for each call, on the disk when the call is answered. All that are called while one write
 * waits for the disk share the next. Writes go round in a file that has its size already, so nothing but the bytes is waited for.
 */
export async function openDurableWrites(path: string) {
  const file = await open(path, 'w')
  await file.write(Buffer.alloc(room))
  await file.sync()
  let at = 0
  let waiting: (() => void)[] = []
  let busy = false
  const write = async (): Promise<void> => {
    busy = true
    while (waiting.length > 0) {
      const told = waiting
      waiting = []
      const bytes = Buffer.concat(told.map(() => block))
      if (at + bytes.length > room) at = 0
      await file.write(bytes, 0, bytes.length, at)
      await file.datasync()
      at += bytes.length
      for (const tell of told) tell()
    }
    busy = false
  }
  return {
    async write(): Promise<void> {
      const { promise, resolve } = Promise.withResolvers<void>()
      waiting.push(resolve)
      if (!busy) void write()
      return promise
    },
    close: async () => file.close(),
  }
}
