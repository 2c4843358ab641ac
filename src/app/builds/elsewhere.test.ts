import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { bundleOf, encodeBundle, encodeStatement, inTotoPayloadType } from '#attestation'
import type { BuildRecordConfig, Config } from '#config'
import { sha256Hex } from '#document'
import { recordForeignBuild, type Log, type RecordedBuild } from '#log'
import { testLog } from '../../log/testing/test-log.ts'
import { checkBuildRecord } from './check-record.ts'
import { recorderElsewhere } from './elsewhere.ts'

const folder = mkdtempSync(join(tmpdir(), 'sallyport-elsewhere-'))
const token = join(folder, 'token')
writeFileSync(token, 'a-token')
after(() => rmSync(folder, { recursive: true }))

const sha256 = 'a'.repeat(64)
const keyid = 'k'.repeat(64)

/** Provenance as it lies beside an artifact; `by` is named as its key. */
function provenance(note: string, by = keyid) {
  const payload = encodeStatement({
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: 'shop.tgz', digest: { sha256 } }],
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: { note },
  })
  const sig = Buffer.from('s')
  const envelope = { payloadType: inTotoPayloadType, payload, signatures: [{ keyid: by, sig }] }
  const bytes = encodeBundle(bundleOf(envelope, by))
  return { bytes, digest: sha256Hex(bytes), source: 'shop.tgz.sigstore.jsonl' }
}
const good = provenance('good')

function buildOf(change: Partial<RecordedBuild> = {}): RecordedBuild {
  const place = { index: 0, sha256: 'b'.repeat(64) }
  return {
    build: '0b7c08e0-f303-4f76-95b3-cc8b75c71715',
    log: { origin: 'factory.example/log', begun: place, defined: { ...place, index: 1 } },
    trigger: { requester: 'jo', principal: 'os:jo' },
    source: { uri: 'git+https://git.example/acme/shop', commit: 'c'.repeat(40) },
    definition: 'd'.repeat(64),
    outcome: 'built',
    artifacts: [{ name: 'shop.tgz', sha256 }],
    provenance: { sha256: good.digest, statement: 'e'.repeat(64), builderId: 'https://b/1', keyid },
    ...change,
  }
}

/** What a gate answers: the entry, and the proof that it is in its log. */
async function recordIn(log: Log, recorded: RecordedBuild) {
  const { index, entry } = await recordForeignBuild(log, {
    apiVersion: 'sallyport.dev/v1',
    kind: 'BuildRecord',
    time: '2026-06-01T00:00:00.000Z',
    engine: { name: 'sallyport', version: '0.1.0' },
    requester: 'token:factory',
    recorded,
  })
  await log.view()
  return { entry: index, record: Buffer.from(entry).toString(), proof: await log.receipt(index) }
}

interface Answering {
  readonly answer: RequestListener
  readonly settings?: Partial<BuildRecordConfig>
  readonly origin?: string
}

/** Has a build recorded by who answers so. */
async function ask(
  { answer, settings, origin = 'factory.example/log' }: Answering,
  log: BuildRecordConfig,
) {
  const server = createServer(answer)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const record = { ...log, at: { url, token }, ...settings }
  const config = {
    file: '.sallyport/sallyport.yaml',
    log: { origin, verifierKeys: ['factory.example/log+1+x'] },
    build: { record },
  } as unknown as Config
  try {
    const recorder = await recorderElsewhere(config)
    return await recorder?.(buildOf())
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

async function opened() {
  const { log, verifierKeys } = await testLog(['{"kind":"Other"}'])
  const settings: BuildRecordConfig = {
    origin: log.origin,
    verifierKeys,
    whenUnavailable: 'refuse',
    required: false,
  }
  return { log, settings }
}

const say =
  (value: unknown, status = 200): RequestListener =>
  (_, response) =>
    response.writeHead(status).end(JSON.stringify(value))

test('a build that is recorded has a receipt that proves it', async () => {
  const { log, settings } = await opened()
  const told = await recordIn(log, buildOf())
  const kept = await ask({ answer: say(told) }, settings)
  assert.deepEqual(kept?.record, { origin: log.origin, index: 1 })
  const file = join(folder, 'receipt.json')
  writeFileSync(file, kept?.kept ?? '')
  const checked = await checkBuildRecord({
    settings,
    name: 'shop.tgz',
    sha256,
    file,
    items: [good],
  })
  assert.deepEqual([checked.index, checked.problems], [1, []])
})

test('an answer about another build, of another log or without proof is no receipt, whatever is configured', async () => {
  const { log, settings } = await opened()
  const told = await recordIn(log, buildOf())
  const other = await recordIn(log, buildOf({ build: '11111111-2222-3333-4444-555555555555' }))
  const changed = await recordIn(log, buildOf({ definition: 'f'.repeat(64) }))
  const answers: Readonly<Record<string, Answering>> = {
    'another build': { answer: say(other) },
    'the same build, with another definition': { answer: say(changed) },
    'the proof of another entry': { answer: say({ ...told, proof: other.proof }) },
    'another place': { answer: say({ ...told, entry: 2 }) },
    'an entry that is written in another way': {
      answer: say({ ...told, record: `${told.record} ` }),
    },
    'an entry of another kind': { answer: say({ ...told, record: '{"kind":"Other"}' }) },
    'no receipt': { answer: say({ entry: 1 }) },
    'a redirect': { answer: (_, response) => response.writeHead(302, { location: '/' }).end() },
    'a no': { answer: say({ problems: [{ code: 'ACCESS_FORBIDDEN' }] }, 403) },
    'a log of another name': { answer: say(told), settings: { origin: 'other.example' } },
  }
  for (const [which, answering] of Object.entries(answers)) {
    const settled = { ...answering.settings, whenUnavailable: 'mark' } as const
    await assert.rejects(
      ask({ ...answering, settings: settled }, settings),
      { code: 'BUILD_RECORD_INVALID' },
      which,
    )
  }
})

test('no answer refuses, or is marked where that is configured', async () => {
  const { settings } = await opened()
  const silent: readonly RequestListener[] = [
    say({}, 503),
    (request) => request.socket.destroy(),
    (_, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('{')
      response.socket?.end()
    },
  ]
  for (const answer of silent) {
    await assert.rejects(ask({ answer }, settings), { code: 'BUILD_RECORD_UNANSWERED' })
    const marked = await ask({ answer, settings: { whenUnavailable: 'mark' } }, settings)
    const missing = ['BUILD_RECORD_UNANSWERED']
    assert.deepEqual(marked, { record: { origin: settings.origin, missing } })
  }
})

test('a log in the builder’s own hands is no record', async () => {
  const { log, settings } = await opened()
  const answer = say(await recordIn(log, buildOf()))
  await assert.rejects(ask({ answer, origin: log.origin }, settings), {
    code: 'BUILD_RECORD_SETTINGS',
  })
  const verifierKeys = [...settings.verifierKeys, 'factory.example/log+1+x']
  await assert.rejects(ask({ answer, settings: { verifierKeys } }, settings), {
    code: 'BUILD_RECORD_SETTINGS',
  })
})

test('what lies beside an artifact is what was recorded, and no other provenance by that key', async () => {
  const { log, settings } = await opened()
  const { record, proof } = await recordIn(log, buildOf())
  const file = join(folder, 'kept.json')
  writeFileSync(
    file,
    JSON.stringify({ apiVersion: 'sallyport.dev/v1', kind: 'BuildReceipt', record, proof }),
  )
  const check = (items: readonly (typeof good)[], digest = sha256) =>
    checkBuildRecord({ settings, name: 'shop.tgz', sha256: digest, file, items })
  const codes = async (...args: Parameters<typeof check>) =>
    (await check(...args)).problems.map(({ code }) => code)
  const forged = provenance('forged')
  assert.deepEqual(await codes([good, provenance('of a rebuild by somebody else', 'r')]), [])
  assert.deepEqual(await codes([forged]), ['BUILD_RECORD_ALTERED'])
  assert.deepEqual(await codes([good, forged]), ['BUILD_RECORD_ALTERED'])
  assert.deepEqual(await codes([]), ['BUILD_RECORD_ALTERED'])
  assert.deepEqual(await codes([good], 'f'.repeat(64)), ['BUILD_RECORD_ALTERED'])
  const none = { settings, name: 'shop.tgz', sha256, file: join(folder, 'none'), items: [good] }
  await assert.rejects(checkBuildRecord(none), { code: 'BUILD_RECORD_MISSING' })
  await assert.rejects(checkBuildRecord({ ...none, settings: undefined }), {
    code: 'BUILD_RECORD_SETTINGS',
  })
  writeFileSync(file, 'no receipt')
  await assert.rejects(check([good]), { code: 'BUILD_RECORD_INVALID' })
})
