import { storageContract } from './storage.case.ts'
import { MemoryDisk } from './testing/memory-storage.ts'

storageContract('memory', async () => {
  const disk = new MemoryDisk()
  return { open: () => disk.open(), dispose: async () => {} }
})
