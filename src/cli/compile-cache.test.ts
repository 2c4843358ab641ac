import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, test } from 'node:test'

const dir = mkdtempSync(join(tmpdir(), 'sallyport-cache-'))
after(() => rmSync(dir, { recursive: true }))
const main = resolve(import.meta.dirname, 'main.ts')

function version(home: string): void {
  execFileSync(process.execPath, [main, '--version', '--home', home], { stdio: 'ignore' })
}

test('compiled code is kept in a home that is only ours', () => {
  mkdirSync(join(dir, 'mine'), { mode: 0o700 })
  version(join(dir, 'mine'))
  assert.ok(existsSync(join(dir, 'mine/cache')))
})

test('and in no folder that others can write to, or that does not exist', () => {
  mkdirSync(join(dir, 'open'))
  chmodSync(join(dir, 'open'), 0o777)
  version(join(dir, 'open'))
  version(join(dir, 'none'))
  assert.ok(!existsSync(join(dir, 'open/cache')))
  assert.ok(!existsSync(join(dir, 'none')))
})
