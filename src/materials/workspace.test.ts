import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { z } from 'zod'
import { SallyportError } from '#error'
import { forEach } from './each.ts'
import { failureOf, programPath, runProgram, type Command } from './process.ts'
import { testFolder, testStorage } from './testing/storage.ts'
import { recall, remember, storeChunks, withFolder } from './workspace.ts'

test('a folder of work is private, and gone afterwards, also when the work fails', async (t) => {
  const workspace = testFolder(t)
  await withFolder(workspace, async (folder) => {
    assert.equal(statSync(folder).mode & 0o777, 0o700)
    writeFileSync(join(folder, 'x'), '')
    await Promise.resolve()
  })
  await assert.rejects(
    withFolder(workspace, () => Promise.reject(new Error('no'))),
    { message: 'no' },
  )
  assert.deepEqual(readdirSync(join(workspace, 'tmp')), [])
})

test('a stream is stored whole, whatever the size of its pieces', async (t) => {
  const storage = testStorage(t)
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < 3000; at += 1) yield await Promise.resolve(Buffer.alloc(1000, at & 255))
  }
  const { sha256, size } = await storeChunks(pieces(), storage)
  assert.equal(size, 3_000_000)
  assert.equal((await storage.blobs.read(sha256)).length, 3_000_000)
})

test('a note is remembered; one that is damaged, or of another kind, is as good as none', async (t) => {
  const workspace = testFolder(t)
  const schema = z.strictObject({ n: z.number() })
  assert.equal(await recall(workspace, 'kind', 'key', schema), undefined)
  await remember(workspace, 'kind', 'key', { n: 1 })
  assert.deepEqual(await recall(workspace, 'kind', 'key', schema), { n: 1 })
  for (const damage of ['', '{"n":', '{"n":"1"}', '{"n":1,"m":2}', '\xff']) {
    mkdirSync(join(workspace, 'notes/kind'), { recursive: true })
    writeFileSync(join(workspace, 'notes/kind/key.json'), damage, 'latin1')
    assert.equal(await recall(workspace, 'kind', 'key', schema), undefined)
  }
})

test('work on many things runs a few at a time and reports all that is wrong', async () => {
  let running = 0
  let most = 0
  const double = async (item: number): Promise<number> => {
    running += 1
    most = Math.max(most, running)
    await new Promise((resolve) => setImmediate(resolve))
    running -= 1
    return item * 2
  }
  assert.deepEqual(await forEach([1, 2, 3, 4, 5], 2, double), [2, 4, 6, 8, 10])
  assert.equal(most, 2)
  assert.deepEqual(await forEach([], 2, double), [])
  const refuse = (item: number): Promise<never> =>
    Promise.reject(
      new SallyportError({
        code: 'TREE_CONTENT',
        where: String(item),
        expected: '',
        found: '',
        fix: '',
      }),
    )
  await assert.rejects(forEach([3, 1, 2], 2, refuse), (error: SallyportError) => {
    assert.deepEqual(
      error.problems.map(({ where }) => where),
      ['1', '2', '3'],
    )
    return true
  })
  await assert.rejects(
    forEach([1], 1, () => Promise.reject(new TypeError('other'))),
    TypeError,
  )
})

function shell(script: string, more: Partial<Command> = {}): Command {
  return {
    program: '/bin/sh',
    args: ['-c', script],
    env: { ONLY: 'this' },
    cwd: '/',
    timeoutMs: 30_000,
    ...more,
  }
}

test('a program gets the environment it is given and nothing else', async () => {
  process.env['SALLYPORT_TEST_SECRET'] = 'secret'
  const { stdout, exit } = await runProgram(shell('export -p; cat'), { input: 'input' })
  delete process.env['SALLYPORT_TEST_SECRET']
  assert.equal(failureOf(exit), undefined)
  assert.match(stdout.toString(), /ONLY/)
  assert.match(stdout.toString(), /input$/)
  assert.doesNotMatch(stdout.toString(), /secret|HOME/i)
})

test('a program that takes too long is killed together with its children', async () => {
  const { exit } = await runProgram(shell('sleep 1000 & sleep 1000', { timeoutMs: 50 }))
  assert.equal(exit.kind, 'timed-out')
  assert.match(failureOf(exit) ?? '', /no end within/)
})

test('a program that writes too much is killed', async () => {
  const { overflow } = await runProgram(shell('while :; do echo xxxxxxxxxxxxxxxx; done'), {
    maxOutputBytes: 10_000,
  })
  assert.equal(overflow, true)
})

test('how a program ended is said in words', async () => {
  const failed = await runProgram(shell('echo why >&2; exit 3'))
  assert.equal(failureOf(failed.exit), 'exit 3: why')
  const killed = await runProgram(shell('kill -9 $$'))
  assert.match(failureOf(killed.exit) ?? '', /SIGKILL/)
  const missing = await runProgram(shell('', { program: '/nonexistent/program' }))
  assert.deepEqual(missing.exit, { kind: 'missing' })
})

test('programs are not looked for where a project could have put them', () => {
  const path = programPath('/p/node_modules/.bin:relative:.:/opt/node/bin:/usr/bin:')
  assert.equal(path, '/opt/node/bin:/usr/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/sbin:/bin')
  assert.ok(!programPath(undefined).includes('undefined'))
})
