import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Gathered } from '#evidence'
import { rememberEvidence } from './remembered.ts'

const start = Date.parse('2026-06-01T00:00:00Z')
let clock = new Date(start)

function at(seconds: number): Date {
  return (clock = new Date(start + seconds * 1000))
}

function found(outcome: 'found' | 'unavailable' = 'found', bytes = 100): Gathered {
  const item = { digest: 'ab', source: 'here', bytes: new Uint8Array(bytes) }
  const sources = [{ name: 'here', outcome }]
  return { items: [item], sources, related: [], signatures: [], documents: [] }
}

const settled = () => new Promise<void>((done) => setImmediate(done))

async function remembering(key = 'a place', evidence = found()) {
  at(0)
  const remembered = rememberEvidence({ seconds: 30, clock: () => clock })
  await remembered.look(key, () => Promise.resolve(evidence))
  return { remembered, evidence }
}

test('what led to a yes is used again for that question, until it ends or is too old', async () => {
  const { remembered, evidence } = await remembering()
  remembered.allowed('a place', 'rulebook-1 production shop', evidence, at(10))
  assert.equal(remembered.recall('a place', 'rulebook-1 production shop', at(9)), evidence)
  assert.equal(remembered.recall('a place', 'rulebook-1 production shop', at(10)), undefined)
  const { remembered: second, evidence: more } = await remembering()
  second.allowed('a place', 'q', more, undefined)
  assert.equal(second.recall('a place', 'q', at(30)), more)
  assert.equal(second.recall('a place', 'q', at(31)), undefined)
})

test('another place, target or rulebook is looked for anew', async () => {
  const { remembered, evidence } = await remembering()
  remembered.allowed('a place', 'rulebook-1 production shop', evidence, undefined)
  for (const question of ['rulebook-2 production shop', 'rulebook-1 production bank'])
    assert.equal(remembered.recall('a place', question, at(5)), undefined)
  assert.equal(remembered.recall('another place', 'rulebook-1 production shop', at(5)), undefined)
})

test('a clock that was set back makes everything be looked for anew', async () => {
  const { remembered, evidence } = await remembering()
  remembered.allowed('a place', 'q', evidence, undefined)
  assert.equal(remembered.recall('a place', 'q', at(-1)), undefined)
  assert.equal(remembered.recall('a place', 'q', at(1)), undefined)
})

test('an outage is not remembered, and a yes counts for the evidence it was given for, and for no other', async () => {
  const { remembered } = await remembering('a place', found('unavailable'))
  assert.equal(remembered.size, 0)
  await remembered.look('a place', () => Promise.resolve(found()))
  remembered.allowed('a place', 'q', found(), undefined)
  assert.equal(remembered.recall('a place', 'q', at(5)), undefined)
})

test('what is asked for often is looked for again beside the answers, and a yes goes on while the same is found', async () => {
  const { remembered, evidence } = await remembering()
  remembered.allowed('a place', 'q', evidence, undefined)
  let looks = 0
  const look = (found: Gathered) => () => {
    looks += 1
    return Promise.resolve(found)
  }
  at(14)
  remembered.renew('a place', look(found()))
  assert.equal(looks, 0)
  at(25)
  remembered.renew('a place', look(found()))
  remembered.renew('a place', look(found()))
  await settled()
  assert.equal(looks, 1)
  assert.equal(remembered.recall('a place', 'q', at(50)), evidence)
  // Something else is found, for which nobody has said yes.
  remembered.renew('a place', look(found('found', 99)))
  await settled()
  assert.equal(looks, 2)
  assert.equal(remembered.recall('a place', 'q', at(51))?.items[0]?.bytes.length, 99)
  assert.equal(remembered.recall('a place', 'q', at(52)), undefined)
})

test('a look beside the answers that fails, or finds an outage, lengthens nothing', async () => {
  for (const look of [
    () => Promise.reject(new Error('broken')),
    () => Promise.resolve(found('unavailable')),
  ]) {
    const { remembered, evidence } = await remembering()
    remembered.allowed('a place', 'q', evidence, undefined)
    at(25)
    remembered.renew('a place', look)
    await settled()
    assert.equal(remembered.recall('a place', 'q', at(30)), evidence)
    assert.equal(remembered.recall('a place', 'q', at(31)), undefined)
    remembered.renew('a place', () => assert.fail('nothing is remembered that could be renewed'))
  }
})

test('what is renewed takes few places, one after the other, and is not what a newer look has replaced', async () => {
  const { remembered, evidence } = await remembering('0')
  const places = Array.from({ length: 20 }, (_, number) => `${number}`)
  for (const key of places.slice(1)) await remembered.look(key, () => Promise.resolve(found()))
  at(25)
  let running = 0
  const { promise, resolve } = Promise.withResolvers<Gathered>()
  const renewAll = (): void => {
    for (const key of places)
      remembered.renew(key, () => {
        running += 1
        return promise
      })
  }
  renewAll()
  assert.equal(running, 1)
  for (let step = 1; step < 20; step += 1) {
    at(25 + step / 100)
    renewAll()
  }
  assert.equal(running, 4)
  const newer = found('found', 50)
  await remembered.look('0', () => Promise.resolve(newer))
  resolve(evidence)
  await settled()
  assert.equal(remembered.recall('0', 'q', at(25.5)), newer)
})

test('who fails to look leaves nothing behind that others would wait for', async () => {
  const { remembered } = await remembering()
  await assert.rejects(remembered.look('b', () => Promise.reject(new Error('broken'))))
  assert.equal(remembered.looking, 0)
  await remembered.look('b', () => Promise.resolve(found()))
  assert.equal(remembered.size, 2)
})

test('memory is bounded, whatever number of images and questions there are', async () => {
  at(0)
  const maxBytes = 16 * 1024 * 1024
  const remembered = rememberEvidence({ seconds: 30, maxBytes, clock: () => clock })
  for (let number = 0; number < 100_000; number += 1) {
    const evidence = found('found', 10)
    await remembered.look(`image ${number}`, () => Promise.resolve(evidence))
    for (let question = 0; question < 3; question += 1)
      remembered.allowed(`image ${number}`, `q${question}`, evidence, undefined)
    assert.ok(remembered.bytes <= maxBytes)
  }
  assert.ok(remembered.size < 5000)
  assert.equal(remembered.recall('image 0', 'q0', at(0)), undefined)
  assert.ok(remembered.recall('image 99999', 'q0', at(0)) !== undefined)
})
