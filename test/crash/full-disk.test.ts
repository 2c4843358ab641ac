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
  'a disk that fills up loses nothing that was acknowledged, and what is not recorded is refused',
  options,
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-full-'))
    try {
      const script = 'mount -t tmpfs -o size=24m,nr_inodes=4096 tmpfs "$1" && exec "$2" "$3" "$1"'
      const program = join(import.meta.dirname, 'full-disk.ts')
      const { status, stdout, stderr } = spawnSync(
        'unshare',
        [...mount, script, 'sh', folder, process.execPath, program],
        { encoding: 'utf8', cwd: join(import.meta.dirname, '../..') },
      )
      assert.equal(status, 0, stderr)
      const { refused, problems, size } = JSON.parse(stdout) as {
        refused: string[]
        problems: unknown[]
        size: number
      }
      assert.deepEqual(
        refused,
        Array.from({ length: 5 }, () => 'LOG_STORAGE_FULL'),
      )
      assert.deepEqual(problems, [])
      assert.ok(size > 20)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
)
