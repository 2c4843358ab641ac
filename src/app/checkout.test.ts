import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { inspectCheckout } from './checkout.ts'

let dir = ''
beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'sallyport-checkout-')))
})
afterEach(() => rmSync(dir, { recursive: true }))

function git(...args: string[]): void {
  const who = ['-c', 'user.name=A', '-c', 'user.email=a@b.example', '-c', 'init.defaultBranch=main']
  execFileSync('git', ['-C', dir, ...who, ...args], { stdio: 'ignore' })
}

function commit(subject: string): void {
  git('add', '--all')
  git('commit', '--message', subject)
}

const home = () => join(dir, '.sallyport')

test('a folder without git, and a repository without commits, are each said so', async () => {
  await assert.rejects(inspectCheckout(dir, home()), { code: 'CHECKOUT_NONE' })
  git('init')
  await assert.rejects(inspectCheckout(dir, home()), { code: 'CHECKOUT_EMPTY' })
})

test('what differs from the commit is counted, new files too, but not the home folder', async () => {
  git('init')
  writeFileSync(join(dir, 'a'), '1')
  commit('first')
  mkdirSync(home())
  writeFileSync(join(home(), 'key'), 'x')
  const clean = await inspectCheckout(dir, home())
  assert.equal(clean.changed, 0)
  assert.equal(clean.branch, 'refs/heads/main')
  assert.equal(clean.subject, 'first')
  writeFileSync(join(dir, 'a'), '2')
  writeFileSync(join(dir, 'b'), 'new')
  mkdirSync(join(dir, 'sub'))
  assert.equal((await inspectCheckout(join(dir, 'sub'), home())).changed, 2)
})

test('a detached HEAD is on no branch, and a ref that contains its commit is found', async () => {
  git('init')
  writeFileSync(join(dir, 'a'), '1')
  commit('first')
  git('checkout', '--detach')
  const detached = await inspectCheckout(dir, home())
  assert.equal(detached.branch, undefined)
  assert.equal(detached.ref, 'refs/heads/main')
})

test('nothing that the checkout configures is run', async () => {
  git('init')
  writeFileSync(join(dir, 'a'), '1')
  commit('first')
  const evil = join(dir, 'evil.sh')
  writeFileSync(evil, `#!/bin/sh\ntouch ${join(dir, 'ran')}\n`, { mode: 0o755 })
  git('config', 'core.fsmonitor', evil)
  const seen = await inspectCheckout(dir, home())
  assert.equal(seen.changed, 1)
})
