import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseNote, signersOf, type Quorum } from '#merkle'
import type { LogView } from '../view.ts'
import { testLog } from '../testing/test-log.ts'
import { memoryCheckpoints, testCosigner } from '../testing/test-witness.ts'
import type { WitnessLink } from './ports.ts'
import { openWitnessed, Rounds, type RoundsOptions } from './rounds.ts'
import { openWitness, type WitnessAnswer } from './witness.ts'

type Asked = Parameters<WitnessLink['ask']>[0]
type Answered = Awaited<ReturnType<WitnessLink['ask']>>

/** A witness, asked without a network; `before` may answer in its place, or make it late. */
interface TestWitness extends WitnessLink {
  before: (asked: Asked) => Promise<Answered | undefined>
  asked: number
}

function startWitness(name: string, log: Awaited<ReturnType<typeof testLog>>): TestWitness {
  const cosigner = testCosigner(`${name}.example`)
  const logs = [{ origin: log.log.origin, verifierKeys: log.verifierKeys }]
  const witness = openWitness({ logs, cosigner, store: memoryCheckpoints() })
  return {
    name,
    url: `https://${name}.example/`,
    key: cosigner.key,
    asked: 0,
    before: async () => undefined,
    async ask(asked) {
      this.asked += 1
      const instead = await this.before(asked)
      if (instead !== undefined) return instead
      if (asked.method === 'POST')
        return answeredBy(await witness.addCheckpoint(Buffer.from(asked.body ?? '')))
      const text = await witness.newest(log.log.origin)
      return { status: text === undefined ? 404 : 200, mediaType: 'text/plain', text: text ?? '' }
    },
  }
}

function answeredBy(answer: WitnessAnswer): Answered {
  switch (answer.kind) {
    case 'cosigned':
      return { status: 200, mediaType: 'text/plain', text: answer.lines }
    case 'stale':
      return { status: 409, mediaType: 'text/x.tlog.size', text: `${answer.size}\n` }
    case 'refused':
      return { status: answer.status, mediaType: 'application/problem+json', text: '{}' }
  }
}

const of = (threshold: number, ...names: string[]): Quorum => ({
  kind: 'group',
  threshold,
  members: names.map((name) => ({ kind: 'witness', name })),
})

async function place(quorum: Quorum, entries: readonly string[] = ['a', 'b', 'c']) {
  const log = await testLog(entries)
  const links = [startWitness('w1', log), startWitness('w2', log)]
  const store = memoryCheckpoints()
  const conflicts: string[] = []
  const time = { now: 0 }
  const identity = { origin: log.log.origin, verifierKeys: log.verifierKeys }
  let view: () => Promise<LogView> = () => log.view()
  const options: RoundsOptions = {
    log: identity,
    links,
    quorum,
    store,
    view: () => view(),
    timeoutMs: 1000,
    clock: () => new Date(time.now),
    onConflict: ({ problem }) => conflicts.push(problem.code),
  }
  const [w1, w2] = links as [TestWitness, TestWitness]
  return {
    log,
    w1,
    w2,
    store,
    conflicts,
    time,
    options,
    rounds: new Rounds(options),
    show: (other: () => Promise<LogView>) => (view = other),
  }
}

const cosigners = (note: string, links: readonly WitnessLink[]): string[] => {
  const signers = signersOf(
    note,
    links.map(({ key }) => key),
  )
  return links.filter(({ key }) => signers.some((one) => one.key === key)).map(({ name }) => name)
}

test('a checkpoint is witnessed when the quorum has cosigned it, and is kept', async () => {
  const { rounds, log, store, options } = await place(of(2, 'w1', 'w2'))
  await rounds.round()
  const note = rounds.witnessed?.note ?? ''
  assert.deepEqual(cosigners(note, options.links), ['w1', 'w2'])
  assert.equal(await store.newest(log.log.origin), note)
  assert.equal(rounds.toServe(log.log.checkpoint()), note)
  assert.equal(await rounds.wait(3, 0), true)
  const again = new Rounds(options)
  await again.begin()
  assert.equal(again.witnessed?.note, note)
})

test('below the quorum nothing is witnessed, and whoever waits is told after their time', async () => {
  const { rounds, log, w2 } = await place(of(2, 'w1', 'w2'))
  w2.before = async () => ({ status: 500, mediaType: 'text/plain', text: '' })
  await rounds.round()
  assert.equal(rounds.witnessed, undefined)
  assert.equal(await rounds.wait(1, 1), false)
  assert.equal(rounds.toServe(log.log.checkpoint()), log.log.checkpoint())
  assert.deepEqual(
    rounds.problems().map(({ code, where }) => `${code} ${where}`),
    ['WITNESS_REFUSED witness "w2" at https://w2.example/'],
  )
})

test('a witness that hangs holds nobody: the round is over with the quorum, and it is not asked again meanwhile', async () => {
  const { rounds, log, w2, options } = await place(of(1, 'w1', 'w2'))
  const hanging = Promise.withResolvers<undefined>()
  w2.before = () => hanging.promise
  await rounds.round()
  assert.equal(rounds.witnessed?.size, 3)
  await log.log.append(Buffer.from('d'))
  await rounds.round()
  assert.equal(rounds.witnessed?.size, 4)
  assert.equal(w2.asked, 1)
  // Late as it is, its answer is of an older tree and takes nothing back.
  hanging.resolve(undefined)
  await new Promise((done) => setImmediate(done))
  assert.equal(rounds.witnessed?.size, 4)
  assert.deepEqual(cosigners(rounds.witnessed?.note ?? '', options.links), ['w1'])
})

test('a cosignature that comes after the quorum is added to the checkpoint', async () => {
  const { rounds, w2, options } = await place(of(1, 'w1', 'w2'))
  const late = Promise.withResolvers<undefined>()
  w2.before = () => late.promise
  await rounds.round()
  assert.deepEqual(cosigners(rounds.witnessed?.note ?? '', options.links), ['w1'])
  late.resolve(undefined)
  while (cosigners(rounds.witnessed?.note ?? '', options.links).length < 2)
    await new Promise((done) => setImmediate(done))
})

test('what is not the cosignature of this witness over this checkpoint does not count', async () => {
  const { rounds, w1, log } = await place(of(2, 'w1', 'w2'))
  const other = await testLog(['x'])
  const stranger = testCosigner('w1.example')
  const lines = [
    await stranger.cosign('', log.log.checkpoint()),
    (
      await startWitness('w1', other).ask({
        method: 'POST',
        path: 'add-checkpoint',
        body: `old 0\n\n${other.log.checkpoint()}`,
        timeoutMs: 1,
      })
    ).text,
    '',
    'no signature\n',
    (await stranger.cosign('', log.log.checkpoint())).repeat(17),
  ]
  for (const text of lines) {
    w1.before = async () => ({ status: 200, mediaType: 'text/plain', text })
    await rounds.round()
    assert.equal(rounds.witnessed, undefined, text.slice(0, 40))
    assert.equal(rounds.problems().length, 1)
  }
})

test('answers that no witness may give are told, and never believed', async () => {
  const { rounds, w1, conflicts } = await place(of(1, 'w1'))
  for (const answer of [
    { status: 409, mediaType: 'text/x.tlog.size', text: '-1\n' },
    { status: 409, mediaType: 'text/x.tlog.size', text: '99999999999999999999\n' },
    { status: 409, mediaType: 'text/x.tlog.size', text: '2' },
    { status: 200, mediaType: 'text/html', text: '<html>' },
    { status: 302, mediaType: 'text/plain', text: '' },
    { status: 0, mediaType: '', text: '' },
  ]) {
    w1.before = async ({ method }) => (method === 'POST' ? answer : undefined)
    await rounds.round()
    assert.equal(rounds.witnessed, undefined)
    assert.equal(rounds.problems().length, 1, JSON.stringify(answer))
  }
  // One that always corrects the size is left after a few times.
  let size = 0
  w1.before = async () => {
    size = size === 1 ? 2 : 1
    return { status: 409, mediaType: 'text/x.tlog.size', text: `${size}\n` }
  }
  const before = w1.asked
  await rounds.round()
  assert.ok(w1.asked - before <= 4)
  assert.deepEqual(conflicts, [])
})

test('that a witness knows more is its word, until it shows a checkpoint that the log has signed', async () => {
  const { rounds, w1, conflicts } = await place(of(1, 'w1'))
  w1.before = async ({ method }) =>
    method === 'POST'
      ? { status: 409, mediaType: 'text/x.tlog.size', text: '100\n' }
      : { status: 404, mediaType: 'text/plain', text: '' }
  await rounds.round()
  assert.equal(rounds.conflict, undefined)
  assert.match(rounds.problems()[0]?.found ?? '', /cosigned 100 entries, more than there are/)
  assert.deepEqual(conflicts, [])
})

test('a larger tree that a witness holds, and another history, are conflicts with both checkpoints as evidence', async () => {
  for (const [there, code] of [
    [['a', 'b', 'c', 'd'], 'LOG_ROLLED_BACK'],
    [['a', 'b', 'x'], 'LOG_FORKED'],
    [['x'], 'LOG_FORKED'],
  ] as const) {
    const { rounds, conflicts, show, log, store } = await place(of(1, 'w1', 'w2'))
    const other = await testLog(there)
    show(() => other.view())
    await rounds.round()
    // A round is over with the quorum; what its witnesses have to do yet is done now.
    await new Promise((done) => setImmediate(done))
    show(() => log.view())
    await rounds.round()
    assert.equal(rounds.conflict?.code, code)
    assert.deepEqual(conflicts, [code])
    const [evidence = ''] = store.evidence
    assert.ok(evidence.includes(parseNote(log.log.checkpoint()).text))
    assert.ok(evidence.includes(parseNote(other.log.checkpoint()).text))
  }
})

test('another replica that went further meanwhile is no conflict', async () => {
  const { rounds, show, log, conflicts } = await place(of(1, 'w1', 'w2'))
  const old = await log.view()
  await log.log.append(Buffer.from('d'))
  await rounds.round()
  // A round is over with the quorum; what its witnesses have to do yet is done now.
  await new Promise((done) => setImmediate(done))
  let looks = 0
  show(async () => ((looks += 1) === 1 ? old : await log.view()))
  await rounds.round()
  assert.equal(looks, 3)
  assert.deepEqual(conflicts, [])
  assert.equal(rounds.conflict, undefined)
  assert.deepEqual(rounds.problems(), [])
})

test('while witnesses lag, the published checkpoint is served; what is served never becomes smaller', async () => {
  const { rounds, log, time, w1, w2 } = await place(of(2, 'w1', 'w2'))
  await rounds.round()
  const witnessed = rounds.witnessed?.note
  w2.before = async () => ({ status: 500, mediaType: 'text/plain', text: '' })
  await log.log.append(Buffer.from('d'))
  await rounds.round()
  assert.equal(rounds.toServe(log.log.checkpoint()), witnessed)
  time.now = 10_001
  assert.equal(rounds.lagMs, 10_001)
  assert.equal(rounds.toServe(log.log.checkpoint()), log.log.checkpoint())
  // The clock goes back: what was served stays.
  time.now = 0
  assert.equal(rounds.toServe(log.log.checkpoint()), log.log.checkpoint())
  w2.before = async () => undefined
  await rounds.round()
  assert.equal(rounds.lagMs, 0)
  assert.deepEqual(cosigners(rounds.toServe(log.log.checkpoint()), [w1, w2]), ['w1', 'w2'])
})

test('a clock that was set back counts as a lag, and makes witnesses be asked again', async () => {
  const { rounds, log, time, w1, w2 } = await place(of(2, 'w1', 'w2'))
  await rounds.round()
  const asked = w1.asked
  time.now = -86_400_000
  await rounds.round()
  assert.equal(w1.asked, asked + 1)
  w2.before = async () => ({ status: 500, mediaType: 'text/plain', text: '' })
  await log.log.append(Buffer.from('d'))
  await rounds.round()
  time.now -= 86_400_000
  assert.equal(rounds.lagMs, 86_400_000)
  assert.equal(rounds.toServe(log.log.checkpoint()), log.log.checkpoint())
})

test('what was served before a restart is served until the witnesses have come so far, however much is published meanwhile', async () => {
  const { rounds, log, time, w2, options } = await place(of(2, 'w1', 'w2'))
  await rounds.round()
  w2.before = async () => ({ status: 500, mediaType: 'text/plain', text: '' })
  await log.log.append(Buffer.from('d'))
  await log.view()
  await rounds.round()
  time.now = 10_001
  const served = rounds.toServe(log.log.checkpoint())
  assert.equal(served, log.log.checkpoint())

  const again = new Rounds(options)
  await again.begin()
  assert.equal(again.witnessed?.size, 3)
  await again.round()
  assert.equal(again.toServe(log.log.checkpoint()), served)
  await log.log.append(Buffer.from('e'))
  await log.view()
  assert.equal(again.toServe(log.log.checkpoint()), served)
  w2.before = async () => undefined
  await again.round()
  await log.log.append(Buffer.from('f'))
  await log.view()
  assert.equal(again.toServe(log.log.checkpoint()), again.witnessed?.note)
  assert.equal(again.witnessed?.size, 5)
})

test('the same tree is cosigned again after ten minutes, and not before', async () => {
  const { rounds, time, w1 } = await place(of(1, 'w1'))
  await rounds.round()
  await rounds.round()
  assert.equal(w1.asked, 1)
  time.now = 600_001
  await rounds.round()
  assert.equal(w1.asked, 2)
})

test('a log without entries is nothing to witness', async () => {
  const { rounds, w1 } = await place(of(1, 'w1'), [])
  await rounds.round()
  assert.equal(w1.asked, 0)
})

test('what was witnessed by an earlier policy counts only as far as the policy of now says', async () => {
  const { rounds, options } = await place(of(1, 'w1'))
  const [w1] = options.links as [WitnessLink]
  await rounds.round()
  const note = rounds.witnessed?.note ?? ''
  assert.ok(openWitnessed(note, options) !== undefined)
  assert.equal(openWitnessed(note, { ...options, quorum: of(1, 'w3') }), undefined)
  assert.equal(openWitnessed(note, { ...options, links: [] }), undefined)
  assert.equal(openWitnessed(note.replace('\n3\n', '\n4\n'), options), undefined)
  assert.ok(openWitnessed(note, { ...options, links: [w1], quorum: of(1, 'w1') }) !== undefined)
})
