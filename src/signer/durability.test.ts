// On a real disk: what this signer has signed is on it, and not only in the cache of the kernel, which outlives a process that
// is killed but no power failure.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { createCheckpointMemory, startSigner } from './client.ts'
import { anyKey, home } from './testing/home.ts'
import { tree } from './testing/tree.ts'

const probe = spawnSync('strace', ['-o', '/dev/null', 'true'], { encoding: 'utf8' })
const options =
  probe.status === 0 ? {} : { skip: `skipped: no strace: ${probe.error ?? probe.stderr}` }

test(
  'a tree is on the disk before its signature leaves, and what is remembered a quarter of a second later, too',
  options,
  async (t) => {
    const { folder } = home(t)
    const { keyFile, passphraseFile } = await anyKey('ed25519')
    const { keyFile: mlDsaKeyFile } = await anyKey('ml-dsa-44')
    const memoryFile = join(folder, 'memory')
    const role = { kind: 'log', origin: 'log.example', memoryFile, mlDsaKeyFile } as const
    await createCheckpointMemory({ keyFile, passphraseFile, role })
    await using signer = await startSigner({ keyFile, passphraseFile, role })
    const trace = await attach(t, signer.pid, join(folder, 'trace'))
    const many = 40
    const { from } = tree(...Array.from({ length: many + 2 }, (_, index) => `entry ${index}`))
    await signer.sign(await from(0, 1))
    for (let size = 2; size <= many; size += 1) await signer.remember(await from(size - 1, size))
    await signer.sign(await from(many, many))
    await signer.remember(await from(many, many + 1))
    await new Promise((resolve) => setTimeout(resolve, 300))
    await signer.remember(await from(many + 1, many + 2))
    const answers = await trace()
    assert.equal(answers.length, many + 3)
    const waited = answers.filter(({ isDurable }) => isDurable).length
    assert.ok(waited < many / 2, `the disk was waited for ${waited} times`)
    const signed = [answers[0], answers[many]]
    assert.deepEqual(
      [...signed, answers[many + 2]].map((answer) => answer?.isDurable),
      [true, true, true],
    )
  },
)

/** Follows a signer; what this gives ends that, and has for each answer whether all it wrote into its memory was synced before. */
async function attach(t: TestContext, pid: number, file: string) {
  const calls = 'trace=write,pwrite64,fsync,fdatasync,sendto,writev'
  const strace = spawn('strace', ['-f', '-y', '-e', calls, '-o', file, '-p', String(pid)])
  t.after(() => strace.kill())
  strace.stderr.setEncoding('utf8')
  for (let said = ''; !said.includes('attached');)
    said += String((await once(strace.stderr, 'data'))[0])
  return async () => {
    strace.kill('SIGINT')
    await once(strace, 'close')
    const answers: { isDurable: boolean }[] = []
    let [unsafe, waits] = [0, 0]
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      const inMemory = line.includes('/memory.sqlite-wal>')
      if (inMemory && line.includes('pwrite64(')) unsafe += 1
      if (inMemory && /f(?:data)?sync\(/.test(line)) [unsafe, waits] = [0, waits + 1]
      if (!/(?:write|writev|sendto)\(3</.test(line)) continue
      answers.push({ isDurable: unsafe === 0 && waits > 0 })
      waits = 0
    }
    return answers
  }
}
