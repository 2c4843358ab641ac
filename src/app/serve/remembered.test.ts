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
