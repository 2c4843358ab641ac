import assert from 'node:assert/strict'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import type { Fixture } from '#decision'
import { sha256Hex } from '#document'
import { SallyportError } from '#error'
import { findFixtures, readFixture, writeFixture } from './fixture-files.ts'

let dir = ''
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'sallyport-fixture-'))))
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const [evidence, root, index] = ['evidence', 'root', 'index'].map((text) => Buffer.from(text)) as [
  Buffer,
  Buffer,
  Buffer,
]
const fixture: Fixture = {
  time: '2026-01-01T00:00:00.000Z',
  request: {
    artifact: { name: 'shop', digest: { sha256: 'a'.repeat(64) } },
    target: { environment: 'production', service: 'shop' },
    chokePoint: 'fixture',
  },
  evidence: {
    items: [{ digest: sha256Hex(evidence), source: 'shop.sigstore.json' }],
    sources: [{ name: 'shop.sigstore.json', outcome: 'found' }],
    indexes: [sha256Hex(index)],
  },
  trustedRoots: [{ file: 'roots/public.json', digest: sha256Hex(root) }],
  expected: { verdict: 'ALLOW', effect: 'admitted', reasons: [], rules: [] },
}
const bodies = new Map([evidence, root, index].map((bytes) => [sha256Hex(bytes), bytes]))

async function refusal(work: Promise<unknown>): Promise<readonly string[]> {
  try {
    await work
  } catch (error) {
    assert.ok(error instanceof SallyportError, String(error))
    return error.problems.map(({ code }) => code)
  }
  return []
}

test('a fixture is read as it was written, with all its bytes', async () => {
  await writeFixture(join(dir, 'a'), fixture, bodies)
  const stored = await readFixture(join(dir, 'a'))
  assert.deepEqual(stored.fixture, fixture)
  assert.deepEqual(stored.evidence.items[0]?.bytes, evidence)
  assert.deepEqual(stored.evidence.related, [{ index }])
  assert.deepEqual(stored.roots.get('roots/public.json'), root)
})

test('written twice it is the same, and nothing of an earlier one is left', async () => {
  const folder = join(dir, 'a')
  await writeFixture(folder, fixture, bodies)
  const before = readFileSync(join(folder, 'fixture.json'))
  writeFileSync(join(folder, 'evidence', 'b'.repeat(64)), 'old')
  await writeFixture(folder, fixture, bodies)
  assert.deepEqual(readFileSync(join(folder, 'fixture.json')), before)
  assert.deepEqual(readdirSync(join(folder, 'evidence')), [sha256Hex(evidence)])
})

test('every file that is missing, altered or a link is told at once', async () => {
  const folder = join(dir, 'a')
  await writeFixture(folder, fixture, bodies)
  writeFileSync(join(folder, 'evidence', sha256Hex(evidence)), 'other')
  rmSync(join(folder, 'trusted-roots'), { recursive: true })
  writeFileSync(join(dir, 'elsewhere'), index)
  rmSync(join(folder, 'indexes', sha256Hex(index)))
  symlinkSync(join(dir, 'elsewhere'), join(folder, 'indexes', sha256Hex(index)))
  assert.deepEqual(await refusal(readFixture(folder)), [
    'FIXTURE_BODY',
    'FIXTURE_BODY',
    'FIXTURE_BODY',
  ])
})

test('a folder that is no fixture is not written over', async () => {
  writeFileSync(join(dir, 'mine'), '')
  assert.deepEqual(await refusal(writeFixture(dir, fixture, bodies)), ['FIXTURE_OCCUPIED'])
})

test('fixtures are found below folders, in the order of their names, and not through links', async () => {
  await writeFixture(join(dir, 'b/inner'), fixture, bodies)
  await writeFixture(join(dir, 'a'), fixture, bodies)
  await writeFixture(join(dir, '.hidden'), fixture, bodies)
  symlinkSync(join(dir, 'a'), join(dir, 'link'))
  assert.deepEqual(await findFixtures([dir]), [join(dir, 'a'), join(dir, 'b/inner')])
  mkdirSync(join(dir, 'empty'))
  assert.deepEqual(await refusal(findFixtures([dir, join(dir, 'empty')])), ['FIXTURE_NONE'])
})
