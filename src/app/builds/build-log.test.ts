import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bundleOf, encodeBundle, type BuildDefinition } from '#attestation'
import type { SignedBuild } from '#builder'
import { sha256Hex } from '#document'
import { SallyportError } from '#error'
import { buildForm, type RecordedBuild } from '#log'
import { MemoryBodies } from '../../log/testing/memory-bodies.ts'
import { testLog } from '../../log/testing/test-log.ts'
import { beginBuild, type BuildLogOptions, type Elsewhere } from './build-log.ts'
import { newestBuilds } from './list.ts'

const now = () => new Date('2026-06-01T00:00:00Z')
const digest = (letter: string) => letter.repeat(64)

const definition: BuildDefinition = {
  buildType: 'https://sallyport.dev/buildtypes/recipe/v1',
  externalParameters: { parameters: { target: 'release' } },
  internalParameters: {},
  resolvedDependencies: [
    {
      name: 'source',
      uri: 'git+ssh://git@git.example/acme/shop@refs/heads/main',
      digest: { gitCommit: 'c'.repeat(40), sha256: digest('1') },
    },
    { name: 'recipe', digest: { sha256: digest('2') } },
    { name: 'lock', digest: { sha256: digest('3') } },
    { name: 'root', digest: { sha256: digest('4') } },
    { name: 'deb:dash@1', digest: { sha256: digest('5') } },
  ],
}

/** The bytes of the definition, as the builder writes them. */
const inputs = Buffer.from(JSON.stringify(definition))

const payload = Buffer.from('{"a":"statement"}')
const attestation = encodeBundle(
  bundleOf(
    {
      payloadType: 'application/vnd.in-toto+json',
      payload,
      signatures: [{ keyid: 'k', sig: Buffer.from('s') }],
    },
    'k',
  ),
)
const signed: SignedBuild = {
  builderId: 'https://sallyport.dev/builders/workstation-measured/v1',
  keyid: 'k',
  statement: {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: 'shop.tgz', digest: { sha256: digest('a') } }],
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {},
  },
  attestation,
  reused: false,
}

const request: BuildLogOptions['request'] = {
  repository: 'git+https://git.example/acme/shop',
  revision: 'main',
  recipe: 'sallyport.build.json',
  parameters: {},
  root: 'auto',
  reuse: true,
}

async function opened(elsewhere?: (build: RecordedBuild) => Promise<Elsewhere>) {
  const test = await testLog([])
  const { log } = test
  const bodies = new MemoryBodies()
  const begin = () =>
    beginBuild({
      gate: { log, bodies },
      origin: 'factory.example/log',
      trigger: { requester: 'jo', principal: 'os:jo' },
      request,
      now,
      ...(elsewhere === undefined ? {} : { elsewhere }),
    })
  return {
    log,
    bodies,
    begin,
    builds: async (limit = 20) => newestBuilds(await test.view(), limit),
  }
}

test('a build is in the log before it does anything, by who asked; without an end it is seen to have none', async () => {
  const { begin, builds } = await opened()
  await begin()
  const [one] = await builds()
  assert.deepEqual(one?.begun?.trigger, { requester: 'jo', principal: 'os:jo' })
  assert.deepEqual(one?.begun?.request, request)
  assert.equal(one?.defined ?? one?.ended, undefined)
})

test('what will be built is named by digests, and the body with all inputs is kept', async () => {
  const { begin, builds, bodies } = await opened()
  const { recorder } = await begin()
  await recorder.defined(definition, inputs)
  const [one] = await builds()
  assert.deepEqual(one?.defined?.source, {
    uri: 'git+ssh://git@git.example/acme/shop',
    commit: 'c'.repeat(40),
    ref: 'refs/heads/main',
  })
  assert.deepEqual(
    one?.defined?.inputs.map(({ name }) => name),
    ['source', 'recipe', 'lock', 'root'],
  )
  assert.equal(one?.defined?.inputCount, 5)
  const body = await bodies.get(one?.defined?.definition ?? '')
  assert.match(Buffer.from(body ?? []).toString(), /"deb:dash@1"/)
})

test('how it ended names artifacts and provenance by digest', async () => {
  const { begin, builds, log } = await opened()
  const { recorder, failed } = await begin()
  await recorder.defined(definition, inputs)
  assert.equal(await recorder.signed(signed), undefined)
  const [one] = await builds()
  assert.ok(one?.ended?.outcome === 'built')
  assert.deepEqual(one.ended.artifacts, [{ name: 'shop.tgz', sha256: digest('a') }])
  assert.equal(one.ended.provenance.sha256, sha256Hex(attestation))
  assert.equal(one.ended.provenance.statement, sha256Hex(payload))
  const later = new Error('the disk of the output is full')
  assert.equal(await failed(later), later)
  assert.equal((await log.view()).size, 3, 'a build ends once')
})

test('a build that fails ends with the codes of its problems; what nobody planned for has one, too', async () => {
  const { begin, builds } = await opened()
  const problem = { where: 'step', expected: 'x', found: 'y', fix: 'Z' }
  const error = new SallyportError(
    { code: 'BUILD_STEP_FAILED', ...problem },
    { also: [{ code: 'BUILD_OUTPUT', ...problem }] },
  )
  assert.equal(await (await begin()).failed(error), error)
  await (await begin()).failed(new RangeError('a bug'))
  const ends = (await builds()).map(({ ended }) => ended?.outcome === 'failed' && ended.problems)
  assert.deepEqual(ends, [['BUILD_STEP_FAILED', 'BUILD_OUTPUT'], ['INTERNAL']])
})

test('that an end could not be recorded is told beside why it ended', async () => {
  const { begin, log } = await opened()
  const { failed } = await begin()
  await log.close()
  const problem = { where: 'step', expected: 'x', found: 'y', fix: 'Z' }
  const told = await failed(new SallyportError({ code: 'BUILD_STEP_FAILED', ...problem }))
  assert.ok(told instanceof SallyportError)
  assert.deepEqual(
    told.problems.map(({ code }) => code),
    ['BUILD_STEP_FAILED', 'LOG_CLOSED'],
  )
})

test('who records elsewhere is told which entries of this log tell of the build', async () => {
  let told: RecordedBuild | undefined
  const { begin, builds, log } = await opened((build) => {
    told = build
    return Promise.resolve({ record: { origin: 'records.example', index: 7 } })
  })
  const { recorder } = await begin()
  await recorder.defined(definition, inputs)
  await recorder.signed(signed)
  assert.ok(told !== undefined)
  assert.deepEqual(told.log, {
    origin: 'factory.example/log',
    begun: { index: 0, sha256: sha256Hex(await log.entry(0)) },
    defined: { index: 1, sha256: sha256Hex(await log.entry(1)) },
  })
  const [one] = await builds()
  assert.ok(one?.ended?.outcome === 'built')
  assert.deepEqual(one.ended.record, { origin: 'records.example', index: 7 })
  assert.deepEqual(told.provenance, one.ended.provenance)
})

test('a build that must be recorded elsewhere and is not has no good end', async () => {
  const problem = { where: 'x', expected: 'x', found: 'y', fix: 'Z' }
  const error = new SallyportError({ code: 'BUILD_RECORD_UNANSWERED', ...problem })
  const { begin, builds } = await opened(() => Promise.reject(error))
  const { recorder, failed } = await begin()
  await recorder.defined(definition, inputs)
  await assert.rejects(recorder.signed(signed), { code: 'BUILD_RECORD_UNANSWERED' })
  await failed(error)
  const [one] = await builds()
  assert.ok(one?.ended?.outcome === 'failed')
  assert.deepEqual(one.ended.problems, ['BUILD_RECORD_UNANSWERED'])
})

test('the newest builds are listed, in their order, through any number of other entries', async () => {
  const { begin, builds, log } = await opened()
  for (let count = 0; count < 5; count += 1) {
    await begin()
    for (let other = 0; other < 600; other += 1) void log.append(Buffer.from('{"kind":"Other"}'))
  }
  const listed = await builds(3)
  const indexes = listed.map(({ begun }) => begun?.index ?? -1)
  assert.equal(listed.length, 3)
  assert.deepEqual(
    indexes,
    indexes.toSorted((one, other) => one - other),
  )
  assert.equal((await log.view()).size, 3005)
  assert.equal(buildForm.parse(await log.entry(indexes[0] ?? 0))?.build, listed[0]?.build)
})
