import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { sha256Hex } from '#document'
import { besideSuffixes, findBesideFile } from './beside-file.ts'

let folder = ''
let artifact = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-evidence-'))
  artifact = join(folder, 'shop.tgz')
})

afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

test('every convention is a source, and what is not there is absent', async () => {
  const { items, sources } = await findBesideFile(artifact)
  assert.deepEqual(items, [])
  assert.deepEqual(
    sources,
    besideSuffixes.map((suffix) => ({ name: `${artifact}${suffix}`, outcome: 'absent' })),
  )
})

test('attestations of all conventions are found, each with its digest and its place', async () => {
  writeFileSync(`${artifact}.sigstore.jsonl`, '{"a":1}\n{"a":2}\n')
  writeFileSync(`${artifact}.jwt`, 'e30.e30.AAAA\n')
  const { items, sources } = await findBesideFile(artifact)
  assert.deepEqual(
    items.map(({ digest, source, bytes }) => [digest, source, Buffer.from(bytes).toString()]),
    [
      [sha256Hex('{"a":1}'), `${artifact}.sigstore.jsonl`, '{"a":1}'],
      [sha256Hex('{"a":2}'), `${artifact}.sigstore.jsonl`, '{"a":2}'],
      [sha256Hex('e30.e30.AAAA'), `${artifact}.jwt`, 'e30.e30.AAAA'],
    ],
  )
  assert.deepEqual(outcomes(sources, 'found'), ['.sigstore.jsonl', '.jwt'])
})

test('an attestation that lies in two files is taken once', async () => {
  writeFileSync(`${artifact}.sigstore.json`, '{"a":1}')
  writeFileSync(`${artifact}.att`, '\n{"a":1}\n')
  const { items, sources } = await findBesideFile(artifact)
  assert.deepEqual(
    items.map(({ source }) => source),
    [`${artifact}.sigstore.json`],
  )
  assert.deepEqual(outcomes(sources, 'found'), ['.sigstore.json', '.att'])
})

test('an empty file is absent evidence, and says so', async () => {
  writeFileSync(`${artifact}.bundle`, ' \n')
  const { sources } = await findBesideFile(artifact)
  const bundle = sources.find(({ name }) => name.endsWith('.bundle'))
  assert.deepEqual(bundle, {
    name: `${artifact}.bundle`,
    outcome: 'absent',
    detail: 'the file is empty',
  })
})

test('a folder, a pipe and a link to itself are unavailable, and nobody waits for them', async () => {
  mkdirSync(`${artifact}.bundle`)
  execFileSync('mkfifo', [`${artifact}.att`])
  symlinkSync(`${artifact}.jwt`, `${artifact}.jwt`)
  const { items, sources } = await findBesideFile(artifact)
  assert.deepEqual(items, [])
  const found = sources.filter(({ outcome }) => outcome === 'unavailable')
  assert.deepEqual(
    found.map(({ detail }) => detail),
    [
      'expected a regular file, found a directory',
      'expected a regular file, found a pipe, socket or device',
      'expected a file that can be read, found ELOOP',
    ],
  )
})

test(
  'a file that may not be read is unavailable',
  { skip: process.getuid?.() === 0 && 'root may read everything' },
  async () => {
    writeFileSync(`${artifact}.bundle`, '{}')
    chmodSync(`${artifact}.bundle`, 0)
    const { sources } = await findBesideFile(artifact)
    assert.deepEqual(outcomes(sources, 'unavailable'), ['.bundle'])
  },
)

test('a file that is too large is unavailable, and says how large', async () => {
  writeFileSync(`${artifact}.bundle`, Buffer.alloc(32 * 1024 * 1024 + 1))
  const { sources } = await findBesideFile(artifact)
  const bundle = sources.find(({ name }) => name.endsWith('.bundle'))
  assert.equal(bundle?.outcome, 'unavailable')
  assert.match(bundle?.detail ?? '', /at most 33554432 bytes .* found 33554433 bytes/)
})

test('a file with too many attestations is unavailable, and the others are still found', async () => {
  writeFileSync(`${artifact}.sigstore.jsonl`, '{}\n'.repeat(1025))
  writeFileSync(`${artifact}.bundle`, '{"a":1}')
  const { items, sources } = await findBesideFile(artifact)
  assert.equal(items.length, 1)
  assert.deepEqual(outcomes(sources, 'unavailable'), ['.sigstore.jsonl'])
  assert.deepEqual(outcomes(sources, 'found'), ['.bundle'])
})

test('attestations of all files together are bounded', async () => {
  const lines = (from: number): string =>
    Array.from({ length: 1000 }, (_, index) => `{"a":${from + index}}`).join('\n')
  writeFileSync(`${artifact}.sigstore.jsonl`, lines(0))
  writeFileSync(`${artifact}.sigstore.json`, lines(1000))
  writeFileSync(`${artifact}.bundle`, lines(2000))
  const { items, sources } = await findBesideFile(artifact)
  assert.equal(items.length, 2000)
  assert.deepEqual(outcomes(sources, 'unavailable'), ['.bundle'])
})

test('files that the user names are the only ones looked at', async () => {
  writeFileSync(`${artifact}.bundle`, '{"a":1}')
  const named = join(folder, 'other.json')
  writeFileSync(named, '{"a":2}')
  const { items, sources } = await findBesideFile(artifact, { bundles: [named, named] })
  assert.deepEqual(sources, [{ name: named, outcome: 'found' }])
  assert.deepEqual(
    items.map(({ digest }) => digest),
    [sha256Hex('{"a":2}')],
  )
})

test('a file that the user names and that does not exist is a mistake, not missing evidence', async () => {
  const named = join(folder, 'typo.json')
  await assert.rejects(findBesideFile(artifact, { bundles: [named] }), {
    code: 'EVIDENCE_FILE_MISSING',
    where: named,
  })
})

test('an unknown option is refused', async () => {
  const options = { bundle: 'x' } as object
  await assert.rejects(findBesideFile(artifact, options), TypeError)
})

function outcomes(
  sources: readonly { readonly name: string; readonly outcome: string }[],
  outcome: string,
): readonly string[] {
  const found = sources.filter((source) => source.outcome === outcome)
  return found.map(({ name }) => name.slice(artifact.length))
}
