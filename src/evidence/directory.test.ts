import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { approval, keys, signed } from '../core/decision/testing/fixtures.ts'
import { findInDirectory } from './directory.ts'

const dir = mkdtempSync(join(tmpdir(), 'sallyport-directory-'))
after(() => rmSync(dir, { recursive: true, force: true }))

const digest = (number: number): string => number.toString(16).padStart(64, '0')
const evidence = (sha256: string): Uint8Array =>
  signed(approval('production', { sha256 }), keys.alice).bytes
const found = async (folder: string, number: number, now?: () => number): Promise<number> =>
  (await findInDirectory(folder, digest(number), now)).items.length

/** In an hour everything that lies there has lain there for long: its list is kept. */
const later = (): number => Date.now() + 3_600_000
/** So that the next change makes another time of it, however fast it comes. */
function settle(folder: string): void {
  utimesSync(folder, 1_000_000, 1_000_000)
}

function folderOf(name: string, count: number): string {
  const folder = join(dir, name)
  mkdirSync(folder)
  for (let number = 0; number < count; number += 1)
    writeFileSync(join(folder, `${digest(number)}.json`), evidence(digest(number)))
  return folder
}

test('each artifact among many has its own evidence, however often it is asked for', async () => {
  const folder = folderOf('many', 200)
  settle(folder)
  for (let times = 0; times < 3; times += 1) {
    for (const number of [0, 7, 199]) assert.equal(await found(folder, number, later), 1)
    assert.equal(await found(folder, 200, later), 0)
  }
})

test('what is added, replaced or taken away is seen, also when the list was kept', async () => {
  const folder = folderOf('changing', 2)
  settle(folder)
  assert.equal(await found(folder, 5, later), 0)
  writeFileSync(join(folder, `${digest(5)}.json`), evidence(digest(5)))
  assert.equal(await found(folder, 5, later), 1)
  settle(folder)
  assert.equal(await found(folder, 5, later), 1)
  writeFileSync(join(folder, `${digest(5)}.more.json`), evidence(digest(0)))
  assert.equal(await found(folder, 5, later), 2)
  settle(folder)
  assert.equal(await found(folder, 0, later), 1)
  // Other bytes in a file change nothing of the folder.
  writeFileSync(join(folder, `${digest(0)}.json`), evidence(digest(9)))
  const { items } = await findInDirectory(folder, digest(0), later)
  assert.deepEqual(items, (await findInDirectory(folder, digest(0))).items)
  rmSync(join(folder, `${digest(0)}.json`))
  assert.equal(await found(folder, 0, later), 0)
})

test('what is added within one tick of a clock is seen', async () => {
  const folder = folderOf('quick', 0)
  for (let number = 0; number < 100; number += 1) {
    assert.equal(await found(folder, number), 0)
    writeFileSync(join(folder, `${digest(number)}.json`), evidence(digest(number)))
    assert.equal(await found(folder, number), 1)
  }
})

test('another folder in its place is another folder', async () => {
  const folder = folderOf('swapped', 1)
  const other = folderOf('other', 0)
  settle(folder)
  settle(other)
  assert.equal(await found(folder, 0, later), 1)
  renameSync(folder, join(dir, 'away'))
  renameSync(other, folder)
  assert.equal(await found(folder, 0, later), 0)
  rmSync(folder, { recursive: true })
  const { sources } = await findInDirectory(folder, digest(0), later)
  assert.equal(sources[0]?.outcome, 'unavailable')
})
