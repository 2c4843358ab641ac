import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { splitAttestations } from '#attestation'
import { sha256Hex } from '#document'
import { SallyportError } from '#error'
import { build, type BuildRecorder } from './build.ts'
import { definitionDigest } from './shelf.ts'
import { newHome, newRepository, options, source } from './testing/home.ts'
import { tinyHost } from './testing/tiny-host.ts'
import { pretendWorker } from './testing/worker.ts'

/** A build whose steps, and whose recorder, write down when they are reached. */
function watched(t: TestContext, recorder: (told: string[]) => Partial<BuildRecorder>) {
  const home = newHome(t)
  const told: string[] = []
  const { runStep } = pretendWorker(() => {
    told.push('step')
    return { 'thing.txt': 'made' }
  })
  const all: BuildRecorder = {
    defined: (definition, bytes) => {
      told.push('defined')
      assert.equal(sha256Hex(bytes), definitionDigest(definition))
      return Promise.resolve()
    },
    signed: () => {
      told.push('signed')
      assert.equal(existsSync(home.output), false, 'nobody has it before it is recorded')
      return Promise.resolve(Buffer.from('a receipt'))
    },
    ...recorder(told),
  }
  const ports = { ...home.ports, runStep, recorder: all }
  const { path } = newRepository(home.folder, source('true'))
  const asked = options({ ...home, host: tinyHost(home.folder) }, path)
  return { home, told, run: () => build(asked, ports) }
}

const files = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder).sort() : [])

test('a recorder hears what will be built before the first step, and what was signed before anybody has it', async (t) => {
  const { home, told, run } = watched(t, () => ({}))
  const { artifacts } = await run()
  assert.deepEqual(told, ['defined', 'step', 'signed'])
  const [artifact] = artifacts
  const kept = ['thing.txt', 'thing.txt.build-record.json', 'thing.txt.sigstore.jsonl']
  assert.deepEqual(files(home.output), kept)
  assert.equal(readFileSync(artifact?.recordPath ?? '', 'utf8'), 'a receipt')
})

test('a recorder is told the attestation that lies beside the artifact afterwards, of a reused build too', async (t) => {
  const digests: string[] = []
  const { home, run } = watched(t, () => ({
    signed: ({ attestation, reused }) => {
      digests.push(`${sha256Hex(attestation)} ${reused}`)
      return Promise.resolve(undefined)
    },
  }))
  await run()
  await run()
  const [line] = splitAttestations(readFileSync(join(home.output, 'thing.txt.sigstore.jsonl')))
  const digest = sha256Hex(line ?? new Uint8Array())
  assert.deepEqual(digests, [`${digest} false`, `${digest} true`])
  assert.equal(existsSync(join(home.output, 'thing.txt.build-record.json')), false)
})

const refused = new SallyportError({
  code: 'LOG_STORAGE_FULL',
  where: 'log',
  expected: 'space',
  found: 'none',
  fix: 'Make some',
})

test('what cannot be recorded before is not run', async (t) => {
  const { home, told, run } = watched(t, () => ({ defined: () => Promise.reject(refused) }))
  await assert.rejects(run(), { code: 'LOG_STORAGE_FULL' })
  assert.deepEqual(told, [])
  assert.deepEqual(files(home.output), [])
})

test('what cannot be recorded afterwards is not put out, and is not made again when it can', async (t) => {
  let full = true
  const { home, told, run } = watched(t, (events) => ({
    signed: () => {
      events.push('signed')
      return full ? Promise.reject(refused) : Promise.resolve(undefined)
    },
  }))
  await assert.rejects(run(), { code: 'LOG_STORAGE_FULL' })
  assert.deepEqual(files(home.output), [])
  full = false
  assert.equal((await run()).reused, true)
  assert.deepEqual(told, ['defined', 'step', 'signed', 'defined', 'signed'])
  assert.deepEqual(files(home.output), ['thing.txt', 'thing.txt.sigstore.jsonl'])
})

test('a receipt of an earlier build does not stay beside a later one that has none', async (t) => {
  let receipt: Uint8Array | undefined = Buffer.from('of the first')
  const { home, run } = watched(t, () => ({ signed: () => Promise.resolve(receipt) }))
  await run()
  receipt = undefined
  await run()
  assert.deepEqual(files(home.output), ['thing.txt', 'thing.txt.sigstore.jsonl'])
})
