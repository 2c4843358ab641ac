// Run where a small file system is mounted: a gate whose disk fills up, and one whose disk becomes read-only.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { logVerify } from '#app'
import { loadConfig } from '#config'
import { admission, makeHome, readiness, review, startInside, until } from './gate.ts'

const [folder = ''] = process.argv.slice(2)
const home = await makeHome('', folder)
const gate = await startInside(home)
const filler = join(folder, 'filler')
const entries: number[] = []

await admits('before')
fill()
await refuses('a full disk')
rmSync(filler)
await until('ready', async () => (await readiness(gate.address)).status === 200)
await admits('with room again')
// What is open for writing keeps the file system writable; the paths to it are read-only.
execFileSync('mount', ['--bind', folder, folder])
execFileSync('mount', ['-o', 'remount,bind,ro', folder])
await refuses('a read-only disk')
execFileSync('umount', ['--lazy', folder])
await until('ready', async () => (await readiness(gate.address)).status === 200)
await admits('writable again')
await gate.stop()
const report = await logVerify(loadConfig({ cwd: home.dir, env: {} }))
assert.deepEqual(report.problems, [])
for (const entry of entries) assert.ok(entry < report.size)
await home.close()
process.stdout.write(JSON.stringify({ entries: entries.length, size: report.size }))

function fill(): void {
  for (let bytes = 1 << 22; bytes >= 1024; bytes >>= 1)
    while (statfsSync(folder).bavail * 4096 > bytes) {
      try {
        writeFileSync(filler, Buffer.alloc(bytes), { flag: 'a' })
      } catch {
        break
      }
    }
}

async function admits(when: string): Promise<void> {
  const image = home.image(home.approve())
  for (let times = 0; times < 5; times += 1) {
    const { allowed, entry, text } = await admission(gate.address, review(image))
    assert.equal(allowed, true, `${when}: ${text}`)
    entries.push(entry ?? -1)
  }
}

/** Other artifacts each time, so that there is something new to keep. */
async function refuses(when: string): Promise<void> {
  let refused = 0
  for (let times = 0; times < 400 && refused < 5; times += 1) {
    const digest = times.toString(16).padStart(64, '0')
    const { status, allowed, entry, text } = await admission(
      gate.address,
      review(home.image(digest)),
    )
    if (status === 503) refused += 1
    else assert.equal(allowed, false, `${when}: ${text}`)
    if (status === 503) assert.match(text, /LOG_UNAVAILABLE/)
    if (entry !== undefined) entries.push(entry)
  }
  assert.equal(refused, 5, when)
  const { status, text } = await readiness(gate.address)
  assert.equal(status, 503, `${when}: ${text}`)
}
