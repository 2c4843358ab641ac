import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'

import { isRoot } from './harness.ts'

// The same attacks, when nobody special builds: another path through identities and limits, the same walls.
const files = ['secrets', 'processes', 'neighbours', 'resources', 'lifecycle']
const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups']

for (const file of files) {
  test(
    `${file}: all of it holds for a user without any privilege`,
    { skip: reason() },
    async () => {
      const path = join(import.meta.dirname, `${file}.test.ts`)
      const child = spawn('setpriv', [...nobody, process.execPath, '--test', path], {
        cwd: '/',
        env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: '/nonexistent', TMPDIR: '/tmp' },
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const [output, status] = await Promise.all([
        text(child.stdout),
        new Promise((resolve) => child.once('exit', resolve)),
      ])
      assert.equal(status, 0, output)
      assert.match(output, /pass [1-9]/)
    },
  )
}

function reason(): string | false {
  if (!isRoot) return 'skipped: the other files already run without privilege'
  const readable = [process.execPath, import.meta.filename].every(
    (path) => spawnSync('setpriv', [...nobody, 'test', '-r', path]).status === 0,
  )
  return readable ? false : 'skipped: another user cannot read this repository'
}
