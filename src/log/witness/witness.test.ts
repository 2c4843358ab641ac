import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeAddCheckpoint, openCosignatures, openCheckpoint, parseNote } from '#merkle'
import type { Log } from '../log.ts'
import { testLog } from '../testing/test-log.ts'
import { memoryCheckpoints, testCosigner } from '../testing/test-witness.ts'
import type { WitnessStore } from './ports.ts'
import { openWitness, type Witness, type WitnessAnswer } from './witness.ts'

type TestLog = Awaited<ReturnType<typeof testLog>>

async function place(entries: readonly string[] = ['a', 'b', 'c'], store = memoryCheckpoints()) {
  const log = await testLog(entries)
  const cosigner = testCosigner()
  const logs = [{ origin: log.log.origin, verifierKeys: log.verifierKeys }]
  return { log, store, cosigner, witness: openWitness({ logs, cosigner, store }) }
}

async function bodyOf({ log }: Pick<TestLog, 'log'>, old: number): Promise<Uint8Array> {
  const view = await log.view()
  const consistency = old === 0 || old > view.size ? [] : await view.consistency(old)
  return Buffer.from(encodeAddCheckpoint({ old, consistency, checkpoint: view.checkpoint.note }))
}

async function submit(witness: Witness, log: TestLog, old: number): Promise<WitnessAnswer> {
  return await witness.addCheckpoint(await bodyOf(log, old))
}

function status(answer: WitnessAnswer): number | string {
  return answer.kind === 'refused' ? `${answer.status} ${answer.problem.code}` : answer.kind
}

async function append({ log }: { readonly log: Log }, ...entries: string[]): Promise<void> {
  for (const entry of entries) await log.append(Buffer.from(entry))
}

test('the first checkpoint of a log is cosigned, and kept before it is answered', async () => {
  const { witness, log, store, cosigner } = await place()
  const answer = await submit(witness, log, 0)
  assert.ok(answer.kind === 'cosigned')
  const { text } = parseNote(log.log.checkpoint())
  assert.equal(openCosignatures(answer.lines, text, cosigner.key).length, 1)
  const kept = (await store.newest(log.log.origin)) ?? ''
  assert.equal(
    openCheckpoint(kept, { origin: log.log.origin, verifierKeys: [cosigner.key] }).size,
    3,
  )
  assert.equal(await witness.newest(log.log.origin), kept)
})

test('a checkpoint that extends the one before is cosigned; the same again, too', async () => {
  const { witness, log } = await place()
  assert.equal(status(await submit(witness, log, 0)), 'cosigned')
  assert.equal(status(await submit(witness, log, 3)), 'cosigned')
  await append(log, 'd', 'e')
  assert.equal(status(await submit(witness, log, 3)), 'cosigned')
})

test('another old size is answered with the one that is known', async () => {
  const { witness, log } = await place()
  await submit(witness, log, 0)
  await append(log, 'd')
  for (const old of [0, 1, 2, 4]) {
    const answer = await submit(witness, log, old)
    assert.ok(answer.kind === 'stale')
    assert.equal(answer.size, 3)
  }
})

test('an old checkpoint that is sent again is not cosigned', async () => {
  const { witness, log } = await place()
  const old = await bodyOf(log, 0)
  assert.equal(status(await witness.addCheckpoint(old)), 'cosigned')
  await append(log, 'd')
  await submit(witness, log, 3)
  assert.equal(status(await witness.addCheckpoint(old)), 'stale')
  // With the size that is known, it is one that goes back.
  const back = old.toString().replace('old 0', 'old 4')
  assert.equal(
    status(await witness.addCheckpoint(Buffer.from(back))),
    '400 WITNESS_REQUEST_MALFORMED',
  )
  assert.match((await witness.newest(log.log.origin)) ?? '', /\n4\n/)
})

test('a log that is not watched, a strange key and a broken signature are told apart', async () => {
  const { witness, log } = await place()
  const body = (await bodyOf(log, 0)).toString()
  const other = body.replaceAll('log.example/decisions', 'log.example/other')
  assert.equal(status(await witness.addCheckpoint(Buffer.from(other))), '404 WITNESS_LOG_UNKNOWN')
  const strange = body.replace('— log.example/decisions', '— log.example/stranger')
  assert.equal(
    status(await witness.addCheckpoint(Buffer.from(strange))),
    '403 NOTE_SIGNATURE_MISSING',
  )
  const broken = body.replace('\n3\n', '\n4\n')
  assert.equal(
    status(await witness.addCheckpoint(Buffer.from(broken))),
    '403 NOTE_SIGNATURE_INVALID',
  )
  assert.equal(await witness.newest(log.log.origin), undefined)
})

test('what is not a request or a checkpoint is 400', async () => {
  const { witness } = await place()
  for (const body of [
    '',
    'old 0\n\n',
    'old 0\n\nno note',
    'old x\n\n',
    `old 0\n\na\n1\nb\n\n— a b\n`,
  ]) {
    assert.match(String(status(await witness.addCheckpoint(Buffer.from(body)))), /^400 /, body)
  }
})

test('a proof that does not show it, and one where none may be, is 422 and changes nothing', async () => {
  const { witness, log } = await place()
  const { checkpoint } = await log.view()
  const superfluous = { old: 0, consistency: [Buffer.alloc(32)], checkpoint: checkpoint.note }
  const first = await witness.addCheckpoint(Buffer.from(encodeAddCheckpoint(superfluous)))
  assert.equal(status(first), '422 CONSISTENCY_PROOF_INVALID')
  await submit(witness, log, 0)
  await append(log, 'd')
  const view = await log.view()
  const good = await view.consistency(3)
  for (const consistency of [[], good.slice(1), [...good, Buffer.alloc(32)], good.toReversed()]) {
    const body = encodeAddCheckpoint({ old: 3, consistency, checkpoint: view.checkpoint.note })
    assert.equal(
      status(await witness.addCheckpoint(Buffer.from(body))),
      '422 CONSISTENCY_PROOF_INVALID',
    )
  }
  assert.match((await witness.newest(log.log.origin)) ?? '', /\n3\n/)
})

test('a second history that the same keys have signed is refused, and both checkpoints are kept as evidence', async () => {
  const { witness, log, store } = await place()
  await submit(witness, log, 0)
  const second = await testLog(['a', 'b', 'x'])
  assert.equal(status(await submit(witness, second, 3)), '422 LOG_FORKED')
  const [evidence = ''] = store.evidence
  assert.ok(evidence.includes(parseNote(log.log.checkpoint()).text))
  assert.ok(evidence.includes(parseNote(second.log.checkpoint()).text))
  await append(second, 'y')
  assert.equal(status(await submit(witness, second, 3)), '422 CONSISTENCY_PROOF_INVALID')
  assert.equal(store.evidence.length, 1)
})

test('of two histories that come at once, one is cosigned, whatever the order', async () => {
  for (let round = 0; round < 20; round += 1) {
    const { witness, log } = await place()
    const second = await testLog(['a', 'b', 'x', 'y'])
    const bodies = await Promise.all([bodyOf(log, 0), bodyOf(second, 0)])
    if (round % 2 === 1) bodies.reverse()
    const answers = await Promise.all(bodies.map((body) => witness.addCheckpoint(body)))
    assert.deepEqual(answers.map(({ kind }) => kind).sort(), ['cosigned', 'stale'])
  }
})

test('C2SP tlog-witness: a slower request for a smaller tree does not take back a larger one', async () => {
  const slow = memoryCheckpoints()
  const entered = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<void>()
  let first = true
  const store: WitnessStore & { evidence: string[] } = {
    ...slow,
    async replace(origin, expected, note) {
      if (first) {
        first = false
        entered.resolve()
        await gate.promise
      }
      return await slow.replace(origin, expected, note)
    },
  }
  const { witness, log } = await place(['a', 'b', 'c'], store)
  const smaller = witness.addCheckpoint(await bodyOf(log, 0))
  await entered.promise
  await append(log, 'd')
  assert.equal(status(await submit(witness, log, 0)), 'cosigned')
  gate.resolve()
  const answer = await smaller
  assert.ok(answer.kind === 'stale')
  assert.equal(answer.size, 4)
  assert.match((await witness.newest(log.log.origin)) ?? '', /\n4\n/)
})

test('nothing is answered when it could not be kept', async () => {
  const failing: WitnessStore & { evidence: string[] } = {
    ...memoryCheckpoints(),
    replace: () => Promise.reject(new Error('no space')),
  }
  const { witness, log } = await place(['a'], failing)
  await assert.rejects(submit(witness, log, 0), /no space/)
})

test('a witness that dies between keeping and answering cosigns the same again, and nothing older', async () => {
  const kept = memoryCheckpoints()
  const dying: WitnessStore & { evidence: string[] } = {
    ...kept,
    replace: async (origin, expected, note) => {
      await kept.replace(origin, expected, note)
      throw new Error('killed')
    },
  }
  const { witness, log, cosigner } = await place(['a', 'b'], dying)
  await assert.rejects(submit(witness, log, 0), /killed/)
  const logs = [{ origin: log.log.origin, verifierKeys: log.verifierKeys }]
  const again = openWitness({ logs, cosigner, store: kept })
  const asked = await submit(again, log, 0)
  assert.ok(asked.kind === 'stale')
  assert.equal(asked.size, 2)
  assert.equal(status(await submit(again, log, 2)), 'cosigned')
  assert.equal(status(await submit(again, await testLog(['a']), 0)), 'stale')
  assert.equal(status(await submit(again, await testLog(['a', 'x']), 2)), '422 LOG_FORKED')
})

test('signatures of strangers on a checkpoint go no further', async () => {
  const { witness, log, store } = await place()
  const view = await log.view()
  const stranger = await testCosigner('stranger.example').cosign('', view.checkpoint.note)
  const body = encodeAddCheckpoint({
    old: 0,
    consistency: [],
    checkpoint: view.checkpoint.note + stranger,
  })
  assert.equal(status(await witness.addCheckpoint(Buffer.from(body))), 'cosigned')
  assert.doesNotMatch((await store.newest(log.log.origin)) ?? '', /stranger/)
})
