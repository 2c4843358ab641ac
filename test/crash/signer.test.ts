import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { join } from 'node:path'
import { test } from 'node:test'
import { SallyportError } from '#error'
import { openLog, openLogView, verifyLog } from '#log'
import { createCheckpointMemory, startSigner } from '#signer'
import { openFileLogStorage } from '#store'
import { home, newKey } from '../../src/signer/testing/home.ts'

const kills = 6

test(`the signer’s own process may be killed at any time: ${kills} kills`, async (t) => {
  const { folder } = home(t)
  const { keyFile, passphraseFile } = await newKey(folder, 'ed25519')
  const mlDsa = await newKey(folder, 'ml-dsa-44')
  const role = {
    kind: 'log',
    origin: 'log.example/decisions',
    memoryFile: join(folder, 'memory'),
    mlDsaKeyFile: mlDsa.keyFile,
  } as const
  const checkpoints = [await createCheckpointMemory({ keyFile, passphraseFile, role })]
  const acknowledged = new Map<number, string>()
  const storage = openFileLogStorage(join(folder, 'log'))
  let verifierKeys: readonly string[] = []
  for (let round = 0; round < kills; round += 1) {
    await using signer = await startSigner({ keyFile, passphraseFile, role })
    ;({ verifierKeys } = signer)
    const log = await openLog({ storage, signer })
    checkpoints.push(log.checkpoint())
    const enough = acknowledged.size + randomInt(1, 60)
    await Promise.all(
      Array.from({ length: 4 }, async (_, worker) => {
        for (let number = 0; ; number += 1) {
          const text = `round ${round}, worker ${worker}, entry ${number}`
          try {
            const { index } = await log.append(Buffer.from(text))
            acknowledged.set(index, text)
            checkpoints.push(log.checkpoint())
          } catch (problem) {
            assert.ok(problem instanceof SallyportError)
            return
          }
          if (acknowledged.size >= enough) kill(signer.pid)
        }
      }),
    )
  }
  await using signer = await startSigner({ keyFile, passphraseFile, role })
  const log = await openLog({ storage, signer })
  await log.close()
  const identity = { origin: role.origin, verifierKeys }
  const report = await verifyLog({
    storage,
    ...identity,
    earlier: [...new Set(checkpoints)],
    remembered: await signer.newest(),
  })
  assert.deepEqual(report.problems, [])
  const view = await openLogView(storage, identity)
  for (const [index, text] of acknowledged)
    assert.equal(Buffer.from(await view.entry(index)).toString(), text)
  await storage.close()
})

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (problem) {
    // It was killed a moment ago.
    if (!(problem instanceof Error && 'code' in problem && problem.code === 'ESRCH')) throw problem
  }
}
