import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BodyStore } from '#log'
import { readSeen } from './seen.ts'

const head = {
  apiVersion: 'sallyport.dev/v1',
  engine: { name: 'sallyport', version: '0.1.0' },
}
const build = '0b7c08e0-f303-4f76-95b3-cc8b75c71715'
const sha256 = 'a'.repeat(64)
const trigger = { requester: 'jo', principal: 'os:jo' }
const source = { uri: 'git+https://git.example/acme/shop', commit: 'c'.repeat(40) }
const built = {
  outcome: 'built',
  artifacts: [{ name: 'shop.tgz', sha256 }],
  provenance: { sha256, statement: sha256, builderId: 'https://builder.example/v1', keyid: 'k' },
}
const at = (minute: number): string => `2026-06-01T00:0${minute}:00.000Z`

const begun = {
  ...head,
  kind: 'BuildBegun',
  build,
  time: at(1),
  trigger,
  request: {
    repository: source.uri,
    revision: 'main',
    recipe: 'sallyport.build.json',
    parameters: {},
    root: 'auto',
    reuse: true,
  },
}
const ended = { ...head, kind: 'BuildEnded', build, time: at(2), begun: 0, ...built }
const recorded = {
  ...head,
  kind: 'BuildRecord',
  time: at(3),
  requester: 'token:factory',
  principal: 'token:factory',
  recorded: {
    build,
    log: {
      origin: 'factory.example',
      begun: { index: 0, sha256 },
      defined: { index: 1, sha256 },
    },
    trigger,
    source,
    definition: sha256,
    ...built,
  },
}
const judged = {
  ...head,
  kind: 'ExternalVerdict',
  time: at(4),
  chokePoint: 'workstation',
  requester: 'erin',
  principal: 'os:erin',
  by: { name: 'opa' },
  export: sha256,
  decision: { entry: 0, verdict: 'DENY', effect: 'blocked' },
  artifact: { name: 'shop.tgz', sha256 },
  target: { environment: 'production', service: 'shop' },
  result: sha256,
  verdict: 'allow',
  explanation: ['it was reviewed'],
}

const noBodies: BodyStore = {
  put: () => Promise.reject(new Error('nothing is written')),
  get: () => Promise.resolve(undefined),
}

function viewOf(values: readonly object[]) {
  return {
    size: values.length,
    async *entries(start = 0, end = values.length) {
      for (const [at, value] of values.slice(start, end).entries())
        yield { index: start + at, entry: Buffer.from(JSON.stringify(value)) }
    },
  }
}

test('who asks for builds, records those of others or brings verdicts of others has used what was granted', async () => {
  const view = viewOf([begun, ended, recorded, judged])
  const options = { from: new Date('2026-01-01T00:00:00Z'), maxEntries: 100 }
  const { principals, since, entries } = await readSeen(view, noBodies, options)
  assert.deepEqual(
    [...principals],
    [
      ['os:jo', at(1)],
      ['token:factory', at(3)],
      ['os:erin', at(4)],
    ],
  )
  assert.deepEqual([since, entries], [at(1), 4])
})

test('a review of breakglass is the deed of who has proven to have made it, whatever name they gave', async () => {
  const review = {
    apiVersion: 'sallyport.dev/v1',
    kind: 'BreakglassReview',
    entry: 0,
    finding: 'justified',
  }
  const older = { ...review, time: at(1), by: 'token:dana' }
  const borrowed = { ...review, time: at(2), by: 'token:dana', principal: 'os:jo' }
  const options = { from: new Date('2026-01-01T00:00:00Z'), maxEntries: 100 }
  const { principals } = await readSeen(viewOf([older, borrowed]), noBodies, options)
  assert.deepEqual(
    [...principals],
    [
      ['token:dana', at(1)],
      ['os:jo', at(2)],
    ],
  )
})

test('an entry of a kind that this version does not know, and what is no entry, are told as that', async () => {
  for (const entry of [{ ...head, kind: 'Tomorrow', time: at(1) }, { time: at(1) }, []])
    await assert.rejects(
      readSeen(viewOf([entry]), noBodies, { from: new Date(0), maxEntries: 100 }),
      { code: 'RECORD_MALFORMED' },
    )
})
