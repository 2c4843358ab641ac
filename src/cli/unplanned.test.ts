import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync } from 'node:fs'
import { resolve } from 'node:path'
import { test } from 'node:test'

const skip = existsSync('/dev/full') ? false : 'no /dev/full'
const main = resolve(import.meta.dirname, 'main.ts')

function runBroken(how: string, ...args: readonly string[]) {
  const preload = `data:text/javascript,setTimeout(() => { ${how} }, 0)`
  const options = { encoding: 'utf8' } as const
  return spawnSync(process.execPath, ['--import', preload, main, 'doctor', ...args], options)
}

test('an exception that reaches the top is a failure to decide, not a refusal', () => {
  for (const how of ['throw new Error("boom")', 'Promise.reject(new Error("boom"))']) {
    const { status, stderr, stdout } = runBroken(how)
    assert.equal(status, 3)
    assert.equal(stdout, '')
    assert.match(stderr, /^sallyport: error: stopped half-way[^]*error\[INTERNAL\][^]*boom/)
    assert.doesNotMatch(stderr, /\n {4}at /)
  }
})

test('and with --json it is still one document', () => {
  const { status, stdout } = runBroken('throw new Error("boom")', '--json')
  assert.equal(status, 3)
  const document = JSON.parse(stdout) as { kind: string; problems: { code: string }[] }
  assert.equal(document.kind, 'Problems')
  assert.equal(document.problems[0]?.code, 'INTERNAL')
})

test('output that cannot be written is told as that, wherever it can be', { skip }, () => {
  for (const more of [[], ['--json']]) {
    const full = openSync('/dev/full', 'w')
    const run = spawnSync(process.execPath, [main, 'doctor', ...more], {
      encoding: 'utf8',
      stdio: ['ignore', full, 'pipe'],
    })
    closeSync(full)
    assert.equal(run.status, 3)
    assert.match(run.stderr, /error\[FILE_UNWRITABLE\][^]*--> standard output[^]*ENOSPC/)
  }
})
