import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeCanonical, type Json } from '#document'
import { buildRecordForm, recordForeignBuild, type BuildRecord } from './build-record.ts'
import { buildForm, recordBuild, type BuildEntry } from './build.ts'

const digest = 'a'.repeat(64)
const head = {
  apiVersion: 'sallyport.dev/v1',
  build: '0b7c08e0-f303-4f76-95b3-cc8b75c71715',
  time: '2026-06-01T00:00:00.000Z',
  engine: { name: 'sallyport', version: '0.1.0' },
} as const
const provenance = { sha256: digest, statement: digest, builderId: 'https://b/1', keyid: 'k' }
const artifacts = [{ name: 'shop.tgz', sha256: digest }]

const entries: Readonly<Record<string, BuildEntry>> = {
  begun: {
    ...head,
    kind: 'BuildBegun',
    trigger: { requester: 'github:jo', principal: 'os:runner' },
    request: {
      repository: 'git+https://git.example/acme/shop',
      revision: 'main',
      recipe: 'sallyport.build.json',
      parameters: { target: 'release' },
      root: 'auto',
      reuse: true,
    },
  },
  defined: {
    ...head,
    kind: 'BuildDefined',
    begun: 0,
    source: { uri: 'git+https://git.example/acme/shop', commit: 'c'.repeat(40) },
    buildType: 'https://sallyport.dev/buildtypes/recipe/v1',
    externalParameters: { parameters: { target: 'release' } },
    definition: digest,
    inputs: [{ name: 'lock', sha256: digest }],
    inputCount: 13,
  },
  'ended well': {
    ...head,
    kind: 'BuildEnded',
    begun: 0,
    outcome: 'built',
    artifacts,
    provenance,
    record: { origin: 'records.example', index: 7 },
  },
  failed: {
    ...head,
    kind: 'BuildEnded',
    begun: 0,
    outcome: 'failed',
    problems: ['BUILD_STEP_FAILED'],
  },
}

const record: BuildRecord = {
  apiVersion: 'sallyport.dev/v1',
  kind: 'BuildRecord',
  time: '2026-06-01T00:00:00.000Z',
  engine: head.engine,
  requester: 'token:factory',
  principal: 'token:factory',
  recorded: {
    build: head.build,
    log: {
      origin: 'factory.example/log',
      begun: { index: 0, sha256: digest },
      defined: { index: 1, sha256: digest },
    },
    trigger: { requester: 'jo' },
    source: { uri: 'git+https://git.example/acme/shop', commit: 'c'.repeat(40) },
    definition: digest,
    outcome: 'built',
    artifacts,
    provenance,
  },
}

function memory() {
  const entry: Uint8Array[] = []
  const append = (bytes: Uint8Array) =>
    Promise.resolve({ index: entry.push(bytes) - 1, checkpoint: '' })
  return { append, entry }
}

for (const [name, entry] of Object.entries(entries)) {
  test(`that a build has ${name} is read as it was recorded`, async () => {
    const log = memory()
    const { index, entry: bytes } = await recordBuild(log, entry)
    assert.equal(index, 0)
    assert.deepEqual(log.entry, [bytes])
    assert.deepEqual(buildForm.parse(bytes), entry)
    assert.equal(buildRecordForm.parse(bytes), undefined)
  })

  test(`that a build has ${name} with a field more or less is neither recorded nor read`, async () => {
    for (const changed of changes(entry)) {
      const bytes = encodeCanonical(changed)
      assert.throws(
        () => buildForm.parse(bytes),
        { name: 'SallyportError' },
        JSON.stringify(changed),
      )
      const log = memory()
      await assert.rejects(recordBuild(log, changed as unknown as BuildEntry))
      assert.deepEqual(log.entry, [])
    }
  })
}

/** An unknown field, and every mandatory one left out. `kind` says which entry it is. */
function changes(entry: Readonly<Record<string, Json>>): Record<string, Json>[] {
  const optional = new Set(['kind', 'record'])
  const fewer = Object.keys(entry)
    .filter((name) => !optional.has(name))
    .map((name) => Object.fromEntries(Object.entries(entry).filter(([other]) => other !== name)))
  return [{ ...entry, verdict: 'ALLOW' }, ...fewer]
}

test('a build cannot both fail and have artifacts', () => {
  const both = { ...entries['failed'], artifacts, provenance } as unknown as Json
  assert.throws(() => buildForm.parse(encodeCanonical(both)), { code: 'DOCUMENT_UNKNOWN_FIELD' })
  const none = { ...entries['ended well'], artifacts: [] } as unknown as Json
  assert.throws(() => buildForm.parse(encodeCanonical(none)), { code: 'DOCUMENT_SHAPE' })
})

test('the record of somebody else’s build is read as it was recorded, and is none of our own', async () => {
  const log = memory()
  const { entry } = await recordForeignBuild(log, record)
  assert.deepEqual(buildRecordForm.parse(entry), record)
  assert.equal(buildForm.parse(entry), undefined)
  assert.equal(buildRecordForm.parse(Buffer.from('{"kind":"Decision"}')), undefined)
  for (const changed of changes(record.recorded)) {
    const bytes = encodeCanonical({ ...record, recorded: changed })
    assert.throws(() => buildRecordForm.parse(bytes), { name: 'SallyportError' })
  }
})
