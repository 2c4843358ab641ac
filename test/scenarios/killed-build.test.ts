// A build that somebody kills, with the real command line: that it began is in the log, and that it has no end is seen.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { fixtures } from './fixtures.ts'
import { runMain } from './main.ts'

const main = resolve(import.meta.dirname, '../../src/cli/main.ts')
const dir = mkdtempSync(join(tmpdir(), 'sallyport-killed-'))
after(() => rmSync(dir, { recursive: true, force: true }))

before(async () => {
  const platform = `linux/${process.arch === 'arm64' ? 'arm64' : 'amd64'}`
  const wait = { type: 'file', path: 'made.txt' }
  const recipe = {
    schema: 'https://sallyport.dev/recipe/v1',
    package: 'pkg:generic/slow',
    platform,
    lock: 'sallyport.lock.json',
    root: { debian: ['coreutils'] },
    toolchains: [],
    parameters: { seconds: { enum: ['0', '300'], default: '300' } },
    steps: [
      {
        id: 'wait',
        run: [
          ['sleep', '${parameters.seconds}'],
          ['cp', 'sallyport.build.json', 'made.txt'],
        ],
        outputs: [wait],
      },
    ],
    outputs: [{ step: 'wait', path: 'made.txt' }],
    limits: { memory: '256MiB', disk: '64MiB', processes: 32, wall: '10m' },
  }
  writeFileSync(join(dir, 'sallyport.build.json'), JSON.stringify(recipe))
  await fixtures['home']?.([], dir)
  await fixtures['commit']?.(['a recipe'], dir)
  assert.equal((await runMain(['lock'], dir, {})).exit, 0)
  await fixtures['commit']?.(['a lock'], dir)
})

interface Listed {
  readonly builds: readonly {
    readonly begun: { readonly trigger: { readonly principal: string } }
    readonly defined?: { readonly definition: string }
    readonly ended?: { readonly outcome: string }
  }[]
}

async function list(): Promise<Listed['builds']> {
  const { raw, exit } = await runMain(['log', 'builds', '--json'], dir, {})
  return exit === 0 ? (JSON.parse(raw) as Listed).builds : []
}

test('a build that is killed has begun, by somebody, from something, and has no end; the next one is as always', async () => {
  const env = { PATH: process.env['PATH'], HOME: dir }
  const child = spawn(process.execPath, [main, 'build'], { cwd: dir, env, stdio: 'ignore' })
  const ended = new Promise((done) => child.once('close', (_, signal) => done(signal)))
  try {
    const end = performance.now() + 120_000
    while ((await list())[0]?.defined === undefined) {
      assert.equal(child.exitCode, null, 'the build ended by itself')
      assert.ok(performance.now() < end, 'not within two minutes: the build has been defined')
    }
  } finally {
    child.kill('SIGKILL')
  }
  assert.equal(await ended, 'SIGKILL')
  assert.equal(existsSync(join(dir, 'out')), false)
  const [killed] = await list()
  assert.match(killed?.begun.trigger.principal ?? '', /^os:./)
  assert.match(killed?.defined?.definition ?? '', /^[0-9a-f]{64}$/)
  assert.equal(killed?.ended, undefined)
  const told = await runMain(['log', 'builds'], dir, {})
  assert.match(told.stdout[0] ?? '', /^0 {2}<time> {2}no end {2}os:/)

  const next = await runMain(['build', '--parameter', 'seconds=0', '--output', 'out'], dir, {})
  assert.equal(next.exit, 0, next.stderr.join('\n'))
  const all = await list()
  assert.deepEqual(
    all.map((one) => one.ended?.outcome),
    [undefined, 'built'],
  )
  assert.equal((await runMain(['log', 'verify'], dir, {})).exit, 0)
})
