import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLog, type LogStorage } from '#log'
import { parseVerifierKey } from '#merkle'
import { openFileBlobs, openFileLogStorage } from '#store'
import { contractMarks, logContract } from '../../log/log.case.ts'
import { fileMemory, RememberingSigner } from '../../log/testing/remembering-signer.ts'

logContract('folder', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-log-'))
  const storages: LogStorage[] = []
  t.after(async () => {
    for (const storage of storages) await storage.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const signer = new RememberingSigner(fileMemory(join(folder, 'memory')), 1)
  const { origin, verifierKeys } = signer
  const open = () => {
    const storage = openFileLogStorage(join(folder, 'log'))
    storages.push(storage)
    return storage
  }
  return {
    identity: { origin, verifierKeys: verifierKeys.map(parseVerifierKey) },
    open: async () => openLog({ storage: open(), signer, marks: contractMarks }),
    reader: open(),
    bodies: openFileBlobs(join(folder, 'blobs')).bodies,
  }
})
