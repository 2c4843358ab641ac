import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

// A small file system that needs no privilege: a tmpfs in a mount namespace of its own.
const mount = ['--user', '--map-root-user', '--mount', 'sh', '-c']
const probe = spawnSync('unshare', [...mount, 'mount -t tmpfs tmpfs /mnt'], { encoding: 'utf8' })
const options = probe.status === 0 ? {} : { skip: `skipped: no mount namespace: ${probe.stderr}` }

test(
  'a disk that is full or read-only: nothing is admitted, readiness says so, and the gate goes on by itself',
  options,
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-gate-full-'))
    try {
      const script = 'mount -t tmpfs -o size=12m tmpfs "$1" && exec "$2" "$3" "$1"'
      const program = join(import.meta.dirname, 'full-disk.ts')
      const { status, stdout, stderr } = spawnSync(
        'unshare',
        [...mount, script, 'sh', folder, process.execPath, program],
        { encoding: 'utf8', cwd: join(import.meta.dirname, '../..'), timeout: 90_000 },
      )
      assert.equal(status, 0, stderr)
      const { entries } = JSON.parse(stdout) as { entries: number }
      assert.ok(entries >= 15)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
)
