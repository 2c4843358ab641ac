// Run on a file system of a few megabytes: appends until it is full, makes room, and goes on.
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SallyportError } from '#error'
import { openLog, openLogView, verifyLog } from '#log'
import { openFileLogStorage } from '#store'
import { RememberingSigner, VolatileMemory } from '../../src/log/testing/remembering-signer.ts'

const [folder = ''] = process.argv.slice(2)
const filler = join(folder, 'filler')
writeFileSync(filler, Buffer.alloc(22_000_000))
const storage = openFileLogStorage(join(folder, 'log'))
// The memory of the signer is elsewhere: what is tested is the disk of the log.
const signer = new RememberingSigner(new VolatileMemory(), 1)
const log = await openLog({ storage, signer, limits: { journalBytes: 20_000, unsettledTiles: 2 } })
const acknowledged = new Map<number, string>()
const refused: string[] = []

for (let number = 0; refused.length < 5; number += 1) await append(number)
rmSync(filler)
const before = refused.length
for (let number = 10_000; number < 10_020; number += 1) await append(number)
assert.equal(refused.length, before, 'with room again, everything is taken')
await log.close()

const identity = { origin: signer.origin, verifierKeys: signer.verifierKeys }
const report = await verifyLog({ storage, ...identity })
const view = await openLogView(storage, identity)
for await (const { index, entry } of view.entries()) {
  const text = acknowledged.get(index)
  if (text !== undefined) assert.equal(Buffer.from(entry).toString(), text)
  acknowledged.delete(index)
}
assert.equal(acknowledged.size, 0)
await storage.close()
process.stdout.write(JSON.stringify({ refused, problems: report.problems, size: report.size }))

async function append(number: number): Promise<void> {
  const text = `entry ${number} `.padEnd(400, '.')
  try {
    const { index } = await log.append(Buffer.from(text))
    acknowledged.set(index, text)
  } catch (problem) {
    assert.ok(problem instanceof SallyportError)
    refused.push(problem.code)
  }
}
