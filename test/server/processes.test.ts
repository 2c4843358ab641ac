import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { logVerify } from '#app'
import { loadConfig } from '#config'
import {
  admission,
  makeHome,
  readReviewed,
  review,
  startOutside,
  until,
  type GateHome,
} from './gate.ts'

/** A request of which the last byte has yet to come. */
function unfinished(address: string, body: string): { readonly socket: Socket; finish(): void } {
  const { hostname, port } = new URL(address)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => undefined)
  const headers = `Host: gate\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`
  socket.write(`POST /admission/validate HTTP/1.1\r\n${headers}\r\n\r\n${body.slice(0, -1)}`)
  return { socket, finish: () => void socket.write(body.slice(-1)) }
}

async function verified({ dir }: GateHome, entries: ReadonlySet<number>): Promise<void> {
  const report = await logVerify(loadConfig({ cwd: dir, env: {} }))
  assert.deepEqual(report.problems, [])
  for (const entry of entries) assert.ok(entry < report.size, `entry ${entry} of ${report.size}`)
}

test('SIGTERM: what was begun is answered, nothing new is taken, and the gate ends well; a second one ends it at once', async (t) => {
  const home = await makeHome()
  t.after(() => home.close())
  const body = review(home.image(home.approve()))
  const gate = await startOutside(home)
  await admission(gate.address, body)
  const begun = unfinished(gate.address, body)
  const answer = text(begun.socket)
  await once(begun.socket, 'connect')
  await admission(gate.address, body)
  gate.child.kill('SIGTERM')
  await until('stopping', () => gate.output().includes('"stopping"'))
  await assert.rejects(admission(gate.address, body))
  begun.finish()
  assert.match(await answer, /^HTTP\/1\.1 200 .*"allowed":true/s)
  assert.equal(await gate.ended, 0)
  assert.match(gate.output(), /"stopped"/)
  const again = await startOutside(home)
  const hanging = unfinished(again.address, body)
  await once(hanging.socket, 'connect')
  await admission(again.address, body)
  again.child.kill('SIGTERM')
  await until('stopping', () => again.output().includes('"stopping"'))
  again.child.kill('SIGTERM')
  assert.equal(await again.ended, 1)
})

test('kill -9 of a gate at random under load, beside another on the same home: every answer is in the log', async (t) => {
  const home = await makeHome()
  t.after(() => home.close())
  const image = home.image(home.approve())
  const other = await startOutside(home)
  const seen = new Set<number>()
  let answers = 0
  const ask = async (address: string): Promise<void> => {
    const { status, text: answer } = await admission(address, review(image))
    const { allowed, entry } = readReviewed(status, answer)
    assert.equal(allowed, true, answer)
    answers += 1
    seen.add(entry ?? -1)
  }
  for (let round = 0; round < 3; round += 1) {
    const gate = await startOutside(home)
    const enough = answers + randomInt(20, 120)
    const load = Array.from({ length: 6 }, async (_, worker) => {
      for (;;) {
        try {
          await ask(worker < 4 ? gate.address : other.address)
        } catch (error) {
          // What was killed answers nothing; whatever was answered is counted.
          if (error instanceof TypeError && worker < 4) return
          throw error
        }
        if (answers >= enough) gate.child.kill('SIGKILL')
        if (gate.child.killed && worker >= 4) return
      }
    })
    await Promise.all(load)
    assert.equal(await gate.ended, 'SIGKILL')
  }
  other.child.kill('SIGTERM')
  assert.equal(await other.ended, 0)
  assert.equal(seen.size, answers, 'no entry was given to two')
  t.diagnostic(`${answers} answers`)
  await verified(home, seen)
})
