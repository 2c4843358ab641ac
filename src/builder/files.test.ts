import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { build } from './build.ts'
import { checkOutput, removeFile, replaceFile } from './files.ts'
import { newHome, newRepository, options, source } from './testing/home.ts'
import { tinyHost } from './testing/tiny-host.ts'
import { pretendWorker } from './testing/worker.ts'

const unwritable = (where: string, found: string) => ({ code: 'FILE_UNWRITABLE', where, found })

test('a folder that is there or can be made takes artifacts; nothing is made to find that out', async (t) => {
  const { folder } = newHome(t)
  await checkOutput(folder)
  await checkOutput(join(folder, 'made/later'))
  assert.equal(readdirSync(folder).includes('made'), false)
})

test('what is no folder, below none, or leads in a circle takes no artifacts', async (t) => {
  const { folder } = newHome(t)
  const file = join(folder, 'file')
  const loop = join(folder, 'loop')
  const long = join(folder, 'n'.repeat(300))
  writeFileSync(file, '')
  symlinkSync('loop', loop)
  for (const [place, found] of [
    [file, 'ENOTDIR'],
    [join(file, 'below'), 'ENOTDIR'],
    [loop, 'ELOOP'],
    [long, 'ENAMETOOLONG'],
  ] as const)
    await assert.rejects(checkOutput(place), unwritable(place, found))
})

test('a folder in the place of a file stays, and is told', async (t) => {
  const { folder } = newHome(t)
  const place = join(folder, 'thing')
  mkdirSync(place)
  await assert.rejects(replaceFile(place, new Uint8Array()), unwritable(place, 'EISDIR'))
  await assert.rejects(removeFile(place), unwritable(place, 'ERR_FS_EISDIR'))
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('.')),
    [],
  )
})

/** A build whose worker pretends. */
function building(t: TestContext) {
  const home = newHome(t)
  const { runStep } = pretendWorker(() => ({ 'thing.txt': 'made' }))
  const { path } = newRepository(home.folder, source('true'))
  const host = tinyHost(home.folder)
  const run = () => build(options({ ...home, host }, path), { ...home.ports, runStep })
  return { output: home.output, run }
}

test('a pipe where the artifact goes is not waited for, but replaced', async (t) => {
  const { output, run } = building(t)
  mkdirSync(output)
  execFileSync('mkfifo', [join(output, 'thing.txt'), join(output, 'thing.txt.sigstore.jsonl')])
  await run()
  assert.equal(readFileSync(join(output, 'thing.txt'), 'utf8'), 'made')
  assert.ok(lstatSync(join(output, 'thing.txt.sigstore.jsonl')).isFile())
})

test('a folder where the artifact goes is told as that', async (t) => {
  const { output, run } = building(t)
  const place = join(output, 'thing.txt')
  mkdirSync(place, { recursive: true })
  await assert.rejects(run(), unwritable(place, 'EISDIR'))
})
