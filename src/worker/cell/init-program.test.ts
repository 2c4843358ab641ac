import assert from 'node:assert/strict'
import { spawnSync, type SpawnSyncReturns } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { initProgram } from './init-program.ts'
import { architectureOf } from './syscalls.ts'

const own = architectureOf(process.arch)
const emulator = spawnSync('qemu-aarch64', ['--version']).status === 0
const shell = ['/no/such/sh', '/bin/sh']

for (const architecture of ['x86_64', 'aarch64'] as const) {
  const runnable = architecture === own || (architecture === 'aarch64' && emulator)
  const skip = runnable ? false : `skipped: this machine cannot run ${architecture} programs`
  const run = (
    candidates: readonly string[],
    ...argv: readonly string[]
  ): SpawnSyncReturns<string> => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-init-'))
    try {
      const path = join(folder, 'init')
      writeFileSync(path, initProgram(architecture, candidates, 'not found\n'), { mode: 0o755 })
      const command = architecture === own ? [path, ...argv] : ['qemu-aarch64', path, ...argv]
      return spawnSync(command[0] ?? '', command.slice(1), {
        encoding: 'utf8',
        env: { A: 'b', C: '' },
      })
    } finally {
      rmSync(folder, { recursive: true })
    }
  }

  test(
    `the init for ${architecture} runs the command with its arguments and environment`,
    { skip },
    () => {
      const { stdout, status } = run(
        shell,
        'sh',
        '-c',
        'echo "$0 $# $1 $A ${C-unset}"',
        'zero',
        'one',
      )
      assert.equal(stdout, 'zero 1 one b \n')
      assert.equal(status, 0)
    },
  )

  test(`the init for ${architecture} ends as the command ends`, { skip }, () => {
    assert.equal(run(shell, 'sh', '-c', 'exit 0').status, 0)
    assert.equal(run(shell, 'sh', '-c', 'exit 3').status, 3)
    assert.equal(run(shell, 'sh', '-c', 'exit 255').status, 255)
    assert.equal(run(shell, 'sh', '-c', 'kill -KILL $$').status, 137)
    assert.equal(run(shell, 'sh', '-c', 'kill -SEGV $$').status, 139)
  })

  test(`the init for ${architecture} says when there is nothing to run`, { skip }, () => {
    const { stderr, status } = run(['/no/such/program'], 'program')
    assert.equal(stderr, 'not found\n')
    assert.equal(status, 127)
  })

  test(`the init for ${architecture} outlives orphans, not the command`, { skip }, () => {
    // The orphan holds no pipe of the test; the command is over at once.
    const { status } = run(shell, 'sh', '-c', '(sleep 60 >/dev/null 2>&1 </dev/null &) ; exit 5')
    assert.equal(status, 5)
  })
}
