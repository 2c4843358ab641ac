import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, test } from 'node:test'
import { logVerify } from '#app'
import { loadConfig } from '#config'
import { SallyportError } from '#error'
import {
  openCheckpoint,
  parseNote,
  parseTlogProof,
  parseVerifierKey,
  signersOf,
  verifyTlogProof,
} from '#merkle'
import {
  admission,
  call,
  makeHome,
  readiness,
  review,
  startInside,
  until,
  type GateHome,
  type Inside,
} from './gate.ts'
import { endWitnesses, watchedBy, type WitnessProcess } from './witnesses.ts'

let home: GateHome | undefined
let gate: Inside | undefined
afterEach(async () => {
  await home?.close()
  ;[gate, home] = [undefined, undefined]
  await endWitnesses()
})

interface World {
  readonly home: GateHome
  readonly first: WitnessProcess
  readonly second: WitnessProcess
}

/** A home whose log two witnesses watch. The gate is not started. */
async function world(quorum = 'all', more = ''): Promise<World> {
  home = await makeHome()
  const [first, second] = await watchedBy(home, quorum, more)
  return { home, first, second }
}

async function decide({ address }: Inside, place: GateHome): Promise<number> {
  const answer = await admission(address, review(place.image(place.approve())))
  assert.equal(answer.allowed, true, answer.text)
  return answer.entry ?? -1
}

async function receipt(address: string, entry: number, query = '') {
  const path = `/api/v1/decisions/${entry}/receipt${query}`
  const response = await call(address, path, { as: 'viewer' })
  const state = response.headers.get('sallyport-receipt-state')
  return { status: response.status, state, text: await response.text() }
}

async function served(address: string): Promise<string> {
  return await (await call(address, '/log/checkpoint')).text()
}

function hashOf(origin: string): string {
  return createHash('sha256').update(origin).digest('hex')
}

function keysOf({ first, second }: World) {
  return [first.verifierKeys[0], second.verifierKeys[1]].map((key) => parseVerifierKey(key ?? ''))
}

async function entryBytes(address: string, index: number): Promise<Uint8Array> {
  const size = Number(parseNote(await served(address)).text.split('\n')[1])
  const path = `/log/tile/entries/000.p/${size}`
  const response = await call(address, path, { as: 'viewer' })
  const bytes = Buffer.from(await response.arrayBuffer())
  let at = 0
  for (let skip = index; skip > 0; skip -= 1) at += 2 + bytes.readUInt16BE(at)
  return bytes.subarray(at + 2, at + 2 + bytes.readUInt16BE(at))
}

test('a decision is witnessed by two witnesses: the served checkpoint and the receipt carry both cosignatures', async () => {
  const place = await world()
  gate = await startInside(place.home)
  const entry = await decide(gate, place.home)
  const { state, text, status } = await receipt(gate.address, entry, '?wait=witnessed&seconds=20')
  assert.deepEqual([status, state], [200, 'witnessed'])
  const { log } = loadConfig({ cwd: place.home.dir, env: {} })
  const { checkpoint } = parseTlogProof(text)
  assert.equal(signersOf(checkpoint, keysOf(place)).length, 2)
  assert.equal(signersOf(await served(gate.address), keysOf(place)).length, 2)
  // Whoever knows nothing of witnesses verifies the same receipt with the keys of the log alone.
  const proven = verifyTlogProof(text, await entryBytes(gate.address, entry), log)
  assert.equal(proven.index, entry)
  for (const { address, name } of [place.first, place.second]) {
    const held = await (await fetch(`${address}/${hashOf(log.origin)}/checkpoint`)).text()
    assert.equal(openCheckpoint(held, log).size > entry, true, name)
  }
  const metrics = await (await call(gate.address, '/metrics', { as: 'viewer' })).text()
  assert.match(metrics, /^sallyport_log_witnessed_entries [1-9]/m)
  assert.match(metrics, /^sallyport_witnesses_failing 0$/m)
})

test('a witness that is down holds nobody, and the gate says so; when it is back, what was missed is witnessed', async () => {
  const place = await world('all', ', warnAfterSeconds: 1')
  gate = await startInside(place.home)
  await decide(gate, place.home)
  await place.second.kill()
  const began = performance.now()
  const entry = await decide(gate, place.home)
  assert.ok(performance.now() - began < 2000)
  const { state } = await receipt(gate.address, entry, '?wait=witnessed&seconds=1')
  assert.equal(state, 'published')
  await until('warned', async () => {
    const { status, text } = await readiness(gate?.address ?? '')
    return status === 200 && text.includes('WITNESS_LAG')
  })
  await place.second.start()
  const late = await receipt(gate.address, entry, '?wait=witnessed&seconds=30')
  assert.equal(late.state, 'witnessed')
  await until('no warning', async () => {
    return !(await readiness(gate?.address ?? '')).text.includes('WITNESS')
  })
  assert.match(gate.journal.join(''), /not cosigned by all witnesses.*WITNESS_UNREACHABLE/)
})

test('with one of two as quorum, the other may be down', async () => {
  const place = await world('any')
  await place.second.kill()
  gate = await startInside(place.home)
  const entry = await decide(gate, place.home)
  const { state } = await receipt(gate.address, entry, '?wait=witnessed&seconds=20')
  assert.equal(state, 'witnessed')
})

test('a witness that is killed by force at any moment goes on from what it has cosigned', async () => {
  const place = await world()
  gate = await startInside(place.home)
  for (let round = 0; round < 4; round += 1) {
    const entry = await decide(gate, place.home)
    await place.first.kill()
    await place.first.start()
    const { state } = await receipt(gate.address, entry, '?wait=witnessed&seconds=30')
    assert.equal(state, 'witnessed')
  }
  const { log, problems } = await verified(place.home)
  assert.deepEqual(problems, [])
  assert.equal(log, true)
})

async function verified({ dir }: GateHome) {
  const { ok, problems } = await logVerify(loadConfig({ cwd: dir, env: {} }), { witnesses: true })
  return { log: ok, problems }
}

test('a log that is restored from a backup, with its signer’s memory, is refused at the start by what a witness holds', async () => {
  const place = await world()
  const { folder, dir } = place.home
  gate = await startInside(place.home)
  await decide(gate, place.home)
  await gate.stop()
  const backup = join(dir, 'backup')
  cpSync(folder, backup, { recursive: true })
  gate = await startInside(place.home)
  const entry = await decide(gate, place.home)
  const kept = await receipt(gate.address, entry, '?wait=witnessed&seconds=20')
  assert.equal(kept.state, 'witnessed')
  await gate.stop()
  gate = undefined
  rmSync(folder, { recursive: true })
  cpSync(backup, folder, { recursive: true })
  await assert.rejects(startInside(place.home), (error) => {
    assert.ok(error instanceof SallyportError)
    assert.equal(error.code, 'LOG_ROLLED_BACK')
    const [{ where = '', expected, found, fix } = { expected: '', found: '', fix: '' }] =
      error.problems
    assert.match(where, /^witness "w1" at http/)
    assert.match(`${expected} ${found}`, /at least 2 entries.* 1 entries/)
    assert.match(fix, /^Restore the newest copy/)
    return true
  })
  // The evidence is two checkpoints that the log's own keys have signed.
  const { log } = loadConfig({ cwd: dir, env: {} })
  const [file = ''] = readdirSync(join(folder, 'witnessed/evidence'))
  const notes = readFileSync(join(folder, 'witnessed/evidence', file), 'utf8').split(
    /---- .* ----\n/,
  )
  const sizes = notes.slice(1).map((note) => openCheckpoint(`${note.trimEnd()}\n`, log).size)
  assert.deepEqual(sizes, [1, 2])
  // Whoever kept a receipt shows the same without a witness.
  const receiptFile = join(dir, 'kept.tlog-proof')
  writeFileSync(receiptFile, kept.text)
  const shown = await logVerify(loadConfig({ cwd: dir, env: {} }), { earlier: [receiptFile] })
  assert.deepEqual(
    shown.problems.map(({ code }) => code),
    ['LOG_TRUNCATED'],
  )
  assert.match(
    readFileSync(shown.evidence[0] ?? '', 'utf8'),
    /---- \S+kept\.tlog-proof, size 2 ----/,
  )
  const { problems } = await verified(place.home)
  assert.deepEqual(
    problems.map(({ code }) => code),
    ['LOG_TRUNCATED', 'LOG_TRUNCATED', 'LOG_ROLLED_BACK', 'LOG_ROLLED_BACK'],
  )
})

test('of two histories that the log’s keys have signed, each witness cosigns one, and the gate of the other does not start', async () => {
  const place = await world()
  const { folder, dir } = place.home
  const begun = join(dir, 'begun')
  cpSync(folder, begun, { recursive: true })
  gate = await startInside(place.home)
  const entry = await decide(gate, place.home)
  assert.equal(
    (await receipt(gate.address, entry, '?wait=witnessed&seconds=20')).state,
    'witnessed',
  )
  await gate.stop()
  gate = undefined
  // The second history: the same keys, the memory of before, and another decision; nobody asks the witnesses.
  const [real, elsewhere] = [join(dir, 'real'), join(dir, 'sallyport.yaml')]
  cpSync(folder, real, { recursive: true })
  rmSync(folder, { recursive: true })
  cpSync(begun, folder, { recursive: true })
  const file = join(folder, 'sallyport.yaml')
  const text = readFileSync(file, 'utf8')
  writeFileSync(elsewhere, text)
  writeFileSync(file, text.replace(/^ {2}witnesses: .*\n/m, ''))
  gate = await startInside(place.home)
  const other = await decide(gate, place.home)
  assert.equal((await receipt(gate.address, other, '?wait=published')).state, 'published')
  const forged = await served(gate.address)
  await gate.stop()
  gate = undefined
  writeFileSync(file, text)
  await assert.rejects(startInside(place.home), { code: 'LOG_FORKED' })
  // Neither witness cosigns it, whoever asks.
  for (const { address } of [place.first, place.second]) {
    for (const old of [0, 1]) {
      const response = await fetch(`${address}/add-checkpoint`, {
        method: 'POST',
        body: `old ${old}\n\n${forged}`,
      })
      assert.equal(response.status, old === 0 ? 409 : 422)
      if (old === 0) {
        assert.equal(response.headers.get('content-type'), 'text/x.tlog.size')
        assert.equal(await response.text(), '1\n')
      } else assert.match(await response.text(), /LOG_FORKED/)
    }
  }
  for (const { dir: at } of [place.first, place.second])
    assert.equal(readdirSync(join(at, 'home/cosigned/evidence')).length, 1)
})

test('a gate that runs while its log is continued elsewhere is told by its witnesses, and is no longer ready', async () => {
  const place = await world()
  const { folder, dir } = place.home
  const copy = join(dir, 'copy')
  gate = await startInside(place.home)
  await gate.stop()
  cpSync(folder, copy, { recursive: true })
  gate = await startInside(place.home)
  const entry = await decide(gate, place.home)
  assert.equal(
    (await receipt(gate.address, entry, '?wait=witnessed&seconds=20')).state,
    'witnessed',
  )
  await gate.stop()
  gate = undefined
  // Both witnesses are away when the old copy starts, so it does; then they come back.
  await Promise.all([place.first.kill(), place.second.kill()])
  rmSync(folder, { recursive: true })
  cpSync(copy, folder, { recursive: true })
  gate = await startInside(place.home)
  assert.match(gate.journal.join(''), /started without its witnesses.*WITNESS_QUORUM_MISSING/)
  assert.match((await readiness(gate.address)).text, /WITNESS_QUORUM_MISSING/)
  await decide(gate, place.home)
  await Promise.all([place.first.start(), place.second.start()])
  await until('not ready', async () => {
    const { status, text } = await readiness(gate?.address ?? '')
    return status === 503 && /LOG_FORKED|LOG_ROLLED_BACK/.test(text)
  })
  const told = 'a witness holds a checkpoint that this log does not go on from'
  await until('told', () => gate?.journal.some((line) => line.includes(told)) ?? false)
})

test('with atStart: require, a gate does not start without a quorum', async () => {
  const place = await world('all', ', atStart: require')
  await place.first.kill()
  await assert.rejects(startInside(place.home), (error) => {
    assert.ok(error instanceof SallyportError)
    assert.deepEqual(
      error.problems.map(({ code }) => code),
      ['WITNESS_QUORUM_MISSING', 'WITNESS_UNREACHABLE'],
    )
    return true
  })
})

test('a witness whose journal nobody reads any more goes on, and says so', async () => {
  const place = await world()
  const { first } = place
  gate = await startInside(place.home)
  const healthy = await readiness(first.address)
  assert.deepEqual(healthy, { status: 200, text: 'ready\n' })
  await first.stopReading()
  const entry = await decide(gate, place.home)
  const { state } = await receipt(gate.address, entry, '?wait=witnessed&seconds=20')
  assert.equal(state, 'witnessed')
  await until('a line that was lost', async () => {
    const { status, text } = await readiness(first.address)
    return status === 200 && text === 'ready\nJOURNAL_UNREAD\n'
  })
  const later = await decide(gate, place.home)
  const told = await receipt(gate.address, later, '?wait=witnessed&seconds=20')
  assert.equal(told.state, 'witnessed')
  assert.equal(await first.kill('SIGTERM'), 0)
})

test('what was cosigned, sent again by anybody and with any proof, fills no journal', async () => {
  const { first, ...place } = await world()
  gate = await startInside(place.home)
  await decide(gate, place.home)
  const { origin } = loadConfig({ cwd: place.home.dir, env: {} }).log
  const newest = () => fetch(`${first.address}/${hashOf(origin)}/checkpoint`)
  await until('cosigned', async () => (await (await newest()).text()).split('\n')[1] === '1')
  await gate.stop()
  const note = await (await newest()).text()
  const send = async (proof: string): Promise<number> => {
    const body = `old 1\n${proof}\n${note}`
    return (await fetch(`${first.address}/add-checkpoint`, { method: 'POST', body })).status
  }
  const lines = (event: string): number => first.output().split(`"event":"${event}"`).length - 1
  const before = lines('cosigned')
  for (let at = 0; at < 20; at += 1) {
    assert.equal(await send(''), 200)
    assert.equal(await send(`${Buffer.alloc(32, at).toString('base64')}\n`), 422)
  }
  await until('told', () => lines('not cosigned') > 0)
  assert.deepEqual([lines('cosigned') - before, lines('not cosigned')], [0, 1])
})

test('a witness whose memory is gone does not run', async () => {
  const place = await world()
  await place.first.kill()
  rmSync(join(place.first.dir, 'home/cosigned'), { recursive: true })
  await assert.rejects(place.first.start(), /WITNESS_STATE_MISSING/)
})

test('the server of a witness bounds what it is sent, and has nothing else', async () => {
  const { first } = await world()
  const ask = async (path: string, init: RequestInit = {}): Promise<number> =>
    (await fetch(`${first.address}${path}`, init)).status
  assert.equal(await ask('/add-checkpoint', { method: 'POST', body: 'x'.repeat(65_537) }), 413)
  assert.equal(await ask('/add-checkpoint', { method: 'POST', body: 'old 0\n\n' }), 400)
  assert.equal(await ask('/add-checkpoint'), 404)
  assert.equal(await ask(`/${'0'.repeat(64)}/checkpoint`), 404)
  assert.equal(await ask('/../home/keys/witness.pass'), 404)
  assert.equal(await ask('/metrics'), 404)
  assert.equal(await ask('/healthz'), 200)
})

test('a receipt is asked for with a wait that is known, and a log without witnesses waits for none', async () => {
  home = await makeHome()
  gate = await startInside(home)
  const entry = await decide(gate, home)
  for (const [query, status] of [
    ['', 200],
    ['?wait=published', 200],
    ['?wait=witnessed', 400],
    ['?wait=later', 400],
    ['?wait=published&seconds=0', 400],
    ['?wait=published&seconds=31', 400],
    ['?wait=published&seconds=1e1', 400],
  ] as const)
    assert.equal((await receipt(gate.address, entry, query)).status, status, query)
  assert.match((await receipt(gate.address, 1_000_000)).text, /LOG_ENTRY_UNKNOWN/)
  assert.ok([200, 202].includes((await receipt(gate.address, entry, '?wait=sequenced')).status))
})
