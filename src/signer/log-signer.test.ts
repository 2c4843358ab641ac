import assert from 'node:assert/strict'
import { chmodSync, cpSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { SallyportError, type ProblemCode } from '#error'
import { openCheckpoint } from '#merkle'
import { createCheckpointMemory, startSigner, type LogSignerOptions } from './client.ts'
import { anyKey, home, newKey } from './testing/home.ts'
import { tree } from './testing/tree.ts'

const origin = 'log.example/decisions'

async function refusal(promise: Promise<unknown>): Promise<ProblemCode> {
  const error = await promise.then(
    () => assert.fail('was not refused'),
    (cause: unknown) => cause,
  )
  assert.ok(error instanceof SallyportError, String(error))
  return error.code
}

async function logOptions(
  t: TestContext,
  fresh = false,
): Promise<LogSignerOptions & { folder: string; memory: string }> {
  const { folder } = home(t)
  const { keyFile, passphraseFile } = await (fresh ? newKey(folder, 'ed25519') : anyKey('ed25519'))
  const mlDsa = await anyKey('ml-dsa-44')
  const memory = join(folder, 'log.memory')
  const role = { kind: 'log', origin, memoryFile: memory, mlDsaKeyFile: mlDsa.keyFile } as const
  return { keyFile, passphraseFile, role, folder, memory }
}

test('a log signer signs the continuation of what it signed, with both keys', async (t) => {
  const options = await logOptions(t)
  const begun = await createCheckpointMemory(options)
  await using signer = await startSigner(options)
  const log = { origin, verifierKeys: signer.verifierKeys }
  assert.equal(signer.verifierKeys.length, 2)
  assert.equal(openCheckpoint(begun, log).size, 0)
  assert.equal((await signer.newest()).size, 0)
  const { from } = tree('a', 'b', 'c', 'd', 'e')
  for (const [old, size] of [
    [0, 1],
    [1, 3],
    [3, 3],
    [3, 5],
  ] as const) {
    const note = await signer.sign(await from(old, size))
    assert.equal(openCheckpoint(note, log).size, size)
  }
  assert.equal((await signer.newest()).size, 5)
})

test('a log signer refuses roll-back, another history and an unproven continuation, also after a restart', async (t) => {
  const options = await logOptions(t)
  await createCheckpointMemory(options)
  const first = await startSigner(options)
  const mine = tree('a', 'b', 'c', 'd', 'e')
  const other = tree('a', 'b', 'X', 'd', 'e')
  await first.sign(await mine.from(0, 3))
  await first.close()
  await using signer = await startSigner(options)
  assert.equal(await refusal(signer.sign(await mine.from(0, 2))), 'LOG_ROLLED_BACK')
  assert.equal(await refusal(signer.sign(await other.from(3, 3))), 'LOG_FORKED')
  assert.equal(await refusal(signer.sign(await other.from(3, 5))), 'CONSISTENCY_PROOF_INVALID')
  assert.equal(
    await refusal(signer.sign({ ...(await mine.from(3, 5)), consistency: [] })),
    'CONSISTENCY_PROOF_INVALID',
  )
  assert.equal((await signer.newest()).size, 3)
  await signer.sign(await mine.from(3, 5))
})

test('a log signer remembers what follows while it signs, and signs what it was asked to', async (t) => {
  const options = await logOptions(t)
  await createCheckpointMemory(options)
  await using signer = await startSigner(options)
  const log = { origin, verifierKeys: signer.verifierKeys }
  const { from } = tree(...Array.from({ length: 40 }, (_, index) => `entry ${index}`))
  const signing: Promise<string>[] = []
  const remembering: Promise<void>[] = []
  for (let size = 0; size < 38; size += 2) {
    const [grown, next] = [await from(size, size + 1), await from(size + 1, size + 2)]
    // Asked for all at once: nobody waits for an answer.
    signing.push(signer.sign(grown))
    remembering.push(signer.remember(next))
  }
  const older = refusal(signer.sign(await from(37, 37)))
  const notes = await Promise.all(signing)
  assert.deepEqual(
    notes.map((note) => openCheckpoint(note, log).size),
    notes.map((_, index) => index * 2 + 1),
  )
  await Promise.all(remembering)
  assert.equal(await older, 'LOG_ROLLED_BACK', 'what is remembered meanwhile counts')
  assert.equal((await signer.newest()).size, 38)
})

test('a log signer keeps to what it remembers, signed or not, also after a restart', async (t) => {
  const options = await logOptions(t)
  await createCheckpointMemory(options)
  const mine = tree('a', 'b', 'c', 'd', 'e')
  const other = tree('a', 'b', 'X', 'd', 'e')
  const first = await startSigner(options)
  await first.sign(await mine.from(0, 2))
  await first.remember(await mine.from(2, 4))
  assert.equal(await refusal(first.remember(await other.from(2, 3))), 'LOG_ROLLED_BACK')
  await first.close()
  await using signer = await startSigner(options)
  assert.equal((await signer.newest()).size, 4)
  assert.equal(await refusal(signer.sign(await mine.from(2, 2))), 'LOG_ROLLED_BACK')
  assert.equal(await refusal(signer.sign(await other.from(4, 4))), 'LOG_FORKED')
  assert.equal(await refusal(signer.remember(await other.from(4, 5))), 'CONSISTENCY_PROOF_INVALID')
  // Asked for one after the other, without waiting: each takes effect before the next.
  const asked = await Promise.all([
    signer.sign(await mine.from(4, 4)),
    signer.remember(await mine.from(4, 5)),
    signer.sign(await mine.from(5, 5)),
  ])
  const log = { origin, verifierKeys: signer.verifierKeys }
  assert.deepEqual(
    [asked[0], asked[2]].map((note) => openCheckpoint(note, log).size),
    [4, 5],
  )
})

test('all signers with one key have one key for the journal, and those with others have others', async (t) => {
  const [options, other] = [await logOptions(t), await logOptions(t, true)]
  const keys: string[] = []
  for (const each of [options, options, other]) {
    if (each !== options || keys.length === 0) await createCheckpointMemory(each)
    await using signer = await startSigner(each)
    assert.equal(signer.journalKey.length, 32)
    keys.push(Buffer.from(signer.journalKey).toString('hex'))
  }
  assert.equal(keys[0], keys[1])
  assert.notEqual(keys[0], keys[2])
})

test('a log signer without its memory refuses to start, and says how to restore it', async (t) => {
  const options = await logOptions(t)
  assert.equal(await refusal(startSigner(options)), 'SIGNER_MEMORY_LOST')
  await createCheckpointMemory(options)
  assert.equal(await refusal(createCheckpointMemory(options)), 'SIGNER_FILE_EXISTS')
  const signer = await startSigner(options)
  const note = await signer.sign(await tree('a', 'b').from(0))
  await signer.close()
  const file = 'memory.sqlite'
  assert.equal(statSync(join(options.memory, file)).mode & 0o777, 0o600)
  for (const damaged of [
    '',
    note.slice(0, 40),
    note.replace('\n2\n', '\n1\n'),
    'x'.repeat(100_000),
  ]) {
    writeFileSync(join(options.memory, file), damaged)
    assert.match(await refusal(startSigner(options)), /^SIGNER_(MEMORY_LOST|FILE)$/)
  }
  rmSync(join(options.memory, file))
  assert.equal(await refusal(startSigner(options)), 'SIGNER_MEMORY_LOST')
  // What the fix says: put the newest signed checkpoint back.
  writeFileSync(join(options.memory, '0.checkpoint'), note, { mode: 0o600 })
  const restored = await startSigner(options)
  assert.equal((await restored.newest()).size, 2)
  await restored.close()
  assert.deepEqual(readdirSync(options.memory), [file])
})

test('a checkpoint that is put back beside a memory takes it forward, never back', async (t) => {
  const options = await logOptions(t)
  const begun = await createCheckpointMemory(options)
  const { from } = tree('a', 'b', 'c')
  const old = join(options.folder, 'old')
  const first = await startSigner(options)
  const one = await first.sign(await from(0, 1))
  await first.close()
  cpSync(options.memory, old, { recursive: true })
  const second = await startSigner(options)
  const three = await second.sign(await from(1, 3))
  await second.close()
  for (const note of [begun, one]) {
    writeFileSync(join(options.memory, '7.checkpoint'), note, { mode: 0o600 })
    await using signer = await startSigner(options)
    assert.equal((await signer.newest()).size, 3)
    assert.equal(await refusal(signer.sign(await from(0, 1))), 'LOG_ROLLED_BACK')
  }
  rmSync(options.memory, { recursive: true })
  cpSync(old, options.memory, { recursive: true })
  writeFileSync(join(options.memory, '0.checkpoint'), three, { mode: 0o600 })
  await using signer = await startSigner(options)
  assert.equal((await signer.newest()).size, 3)
})

test('a memory that somebody else could change is not used', async (t) => {
  const options = await logOptions(t)
  await createCheckpointMemory(options)
  const file = join(options.memory, 'memory.sqlite')
  chmodSync(file, 0o620)
  assert.equal(await refusal(startSigner(options)), 'SIGNER_MEMORY_LOST')
  chmodSync(file, 0o600)
  chmodSync(options.memory, 0o770)
  assert.equal(await refusal(startSigner(options)), 'SIGNER_FILE_MODE')
})

test('a checkpoint of another log or key is no memory', async (t) => {
  const options = await logOptions(t)
  const other = await logOptions(t, true)
  await createCheckpointMemory(options)
  await createCheckpointMemory(other)
  rmSync(options.memory, { recursive: true })
  cpSync(other.memory, options.memory, { recursive: true })
  assert.equal(await refusal(startSigner(options)), 'SIGNER_MEMORY_LOST')
})

test('of several signers with one memory, exactly one continues each checkpoint', async (t) => {
  const options = await logOptions(t)
  await createCheckpointMemory(options)
  const signers = await Promise.all([
    startSigner(options),
    startSigner(options),
    startSigner(options),
  ])
  const attempts = signers.map(async (signer, index) => {
    // Each wants a history of its own.
    const { from } = tree(`entry of ${index}`)
    return signer.sign(await from(0))
  })
  const results = await Promise.allSettled(attempts)
  assert.deepEqual(results.map(({ status }) => status).sort(), [
    'fulfilled',
    'rejected',
    'rejected',
  ])
  const sizes = await Promise.all(signers.map(async (signer) => (await signer.newest()).size))
  assert.deepEqual(sizes, [1, 1, 1])
  await Promise.all(signers.map((signer) => signer.close()))
})

test('a checkpoint that was answered is remembered after kill -9', async (t) => {
  const options = await logOptions(t)
  await createCheckpointMemory(options)
  const { from } = tree('a', 'b', 'c', 'd', 'e', 'f')
  for (let size = 1; size <= 6; size += 1) {
    const signer = await startSigner(options)
    assert.equal((await signer.newest()).size, size - 1)
    await signer.sign(await from(size - 1, size))
    process.kill(signer.pid, 'SIGKILL')
    await signer.close()
  }
})

test('the keys of a log signer must be Ed25519 and ML-DSA-44, each at its place', async (t) => {
  const options = await logOptions(t)
  await createCheckpointMemory(options)
  const swapped = { ...options, keyFile: options.role.mlDsaKeyFile }
  assert.equal(await refusal(startSigner(swapped)), 'SIGNER_KEY_FORMAT')
})
