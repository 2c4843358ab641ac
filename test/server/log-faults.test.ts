import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { afterEach, test } from 'node:test'
import { logVerify } from '#app'
import { loadConfig } from '#config'
import {
  admission,
  makeHome,
  readiness,
  review,
  startInside,
  until,
  type GateHome,
  type Inside,
} from './gate.ts'

let home: GateHome | undefined
let gate: Inside | undefined
afterEach(async () => {
  await home?.close()
  ;[gate, home] = [undefined, undefined]
})

async function start(): Promise<{ readonly home: GateHome; readonly gate: Inside }> {
  home = await makeHome()
  gate = await startInside(home)
  return { home, gate }
}

/** The process with the log's keys: the only child of the gate. */
function signerOf(pid = process.pid): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
  assert.equal(children.length, 1)
  return Number(children[0])
}

test('the log’s signer may be killed at any time: the gate is not ready, starts it again, and every answer is in the log', async () => {
  const { home, gate } = await start()
  const image = home.image(home.approve())
  const entries: number[] = []
  for (let round = 0; round < 3; round += 1) {
    const before = await admission(gate.address, review(image))
    assert.equal(before.allowed, true, before.text)
    entries.push(before.entry ?? -1)
    process.kill(signerOf(), 'SIGKILL')
    // Nobody is answered with yes while nothing can be recorded.
    for (let tries = 0; tries < 5; tries += 1) {
      const { status, allowed, entry, text } = await admission(gate.address, review(image))
      assert.ok(status === 503 ? /LOG_UNAVAILABLE/.test(text) : allowed, text)
      if (entry !== undefined) entries.push(entry)
    }
    await until('ready again', async () => (await readiness(gate.address)).status === 200)
  }
  assert.match(gate.journal.join(''), /nothing can be recorded.*SIGNER_DIED/)
  assert.match(gate.journal.join(''), /the log is written again/)
  assert.equal(new Set(entries).size, entries.length)
  await verified(home, entries)
})

test('a signer that dies while nobody asks is missed, and started again', async () => {
  const { gate } = await start()
  process.kill(signerOf(), 'SIGKILL')
  await until('not ready', () => gate.journal.some((line) => line.includes('SIGNER_DIED')))
  await until('ready again', async () => (await readiness(gate.address)).status === 200)
})

async function verified({ dir }: GateHome, entries: readonly number[]): Promise<void> {
  const config = loadConfig({ cwd: dir, env: {} })
  const last = Math.max(...entries)
  // What is acknowledged is published a moment later.
  await until(`entry ${last} published`, async () => {
    const { size, problems } = await logVerify(config)
    assert.deepEqual(problems, [])
    return size > last
  })
}
