import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { parseJson } from '#document'
import {
  builtRule,
  decideOn,
  provenance,
  request,
  signed,
} from '../core/decision/testing/fixtures.ts'
import { readAnnotation } from './annotation.ts'
import { openByteCache } from './cache.ts'
import { findInDirectory } from './directory.ts'
import { gatherEvidence, type GatherOptions, type Source } from './gather.ts'
import { bundleType, pusherTo } from './testing/push.ts'
import { commitFault, type Fault } from './testing/faults.ts'
import { startTestRegistry, type TestRegistry } from './testing/registry.ts'

const sha256 = 'ab'.repeat(32)
const limits = { connectMs: 500, idleMs: 200, totalMs: 500 }
const pages = new Map<string, string>()
const seen: string[] = []
let folder = ''
let server: Server
let base = ''
let registry: TestRegistry

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-gather-'))
  pages.clear()
  seen.length = 0
  server = createServer((request, response) => {
    seen.push(`${request.url} ${request.headers.authorization ?? ''}`.trim())
    const page = pages.get(request.url ?? '')
    if (page === undefined) response.writeHead(404).end()
    else if (page.startsWith('fault '))
      commitFault(page.slice(6) as Fault, response, new URL(request.url ?? '', base))
    else response.end(page)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  registry = await startTestRegistry()
})

afterEach(async () => {
  server.closeAllConnections()
  server.close()
  await registry.close()
  rmSync(folder, { recursive: true, force: true })
})

const gather = (sources: readonly Source[], more: Partial<GatherOptions> = {}) =>
  gatherEvidence({
    artifact: { digest: { sha256 } },
    sources,
    http: { limits },
    timeoutMs: 2_000,
    ...more,
  })
const texts = (items: readonly { readonly bytes: Uint8Array }[]): readonly string[] =>
  items.map(({ bytes }) => Buffer.from(bytes).toString())
const npm = (name: string): Source => ({ kind: 'npm', registry: base, name, version: '1.0.0' })
const store = (): Source => ({ kind: 'http', base: `${base}/store/` })

test('all sources are looked at, each is one row, and a duplicate is taken once', async () => {
  writeFileSync(join(folder, 'shop.tgz.bundle'), '{"a":1}')
  mkdirSync(join(folder, 'sha256', sha256), { recursive: true })
  writeFileSync(join(folder, 'sha256', sha256, 'x.json'), '{"a":2}\n')
  pages.set(
    '/-/npm/v1/attestations/@acme%2fshop@1.0.0',
    '{"attestations":[{"predicateType":"x","bundle":{ "a" : 3 }}]}',
  )
  pages.set(`/store/sha256/${sha256}`, '{"a":1}\n{"a":4}\n')
  const { items, sources } = await gather([
    { kind: 'beside', artifact: join(folder, 'shop.tgz') },
    { kind: 'directory', folder },
    npm('@acme/shop'),
    store(),
    { kind: 'annotation', name: 'sallyport.dev/evidence', value: '{"a":5}' },
    npm('other'),
  ])
  assert.deepEqual(texts(items), ['{"a":1}', '{"a":2}', '{"a":3}', '{"a":4}', '{"a":5}'])
  assert.deepEqual(
    sources.map(({ outcome }) => outcome),
    ['found', 'found', 'found', 'found', 'found', 'absent'],
  )
})

test('an artifact in a registry is asked for by its digest, whatever the reference says', async () => {
  const push = pusherTo(registry.base, 'acme/shop')
  const image = await push.image('shop')
  const { bytes } = signed(provenance({ sha256: image.digest }))
  await push.referrer(image, bundleType, [{ mediaType: bundleType, bytes }])
  await push.image('other', '1.0')
  const artifact = { digest: { sha256: image.digest } }
  for (const suffix of [':1.0', `@sha256:${'cd'.repeat(32)}`]) {
    const reference = `oci://${registry.host}/acme/shop${suffix}`
    const sources = [{ kind: 'registry', reference }] as const
    const evidence = await gather(sources, { artifact, registries: [registry.host] })
    assert.equal(evidence.sources.length, 1)
    const decision = decideOn([builtRule], evidence.items, {
      evidence: { items: evidence.items, sources: evidence.sources },
      request: { ...request, artifact: { name: 'shop', ...artifact } },
    })
    assert.equal(decision.verdict, 'ALLOW')
  }
})

test('a registry that nobody allowed holds nothing: it is no outage that a policy could let through', async () => {
  for (const reference of ['evil.example/shop:1', 'http://169.254.169.254/', 'shop']) {
    const evidence = await gather([{ kind: 'registry', reference }], { registries: ['a.example'] })
    assert.equal(evidence.sources[0]?.outcome, 'absent')
    assert.match(evidence.sources[0]?.detail ?? '', /not looked at/)
    const { items, sources } = evidence
    const decision = decideOn([builtRule], [], {
      evidence: { items, sources },
      policy: 'whenUnavailable: allow',
    })
    assert.deepEqual([decision.verdict, decision.effect], ['DENY', 'blocked'])
  }
})

for (const fault of [
  'hang',
  'slow',
  'garbage',
  'error',
  'forbidden',
  'loop',
  'metadata',
  'huge',
  'truncated',
  'reset',
] as const) {
  test(`servers of attestations that go wrong (${fault}) are an outage with a name`, async () => {
    pages.set('/-/npm/v1/attestations/shop@1.0.0', `fault ${fault}`)
    pages.set(`/store/sha256/${sha256}`, `fault ${fault}`)
    const { items, sources } = await gather([npm('shop'), store()])
    assert.deepEqual(items, [])
    for (const { outcome, detail } of sources) {
      assert.equal(outcome, 'unavailable', detail)
      assert.match(detail ?? '', /127\.0\.0\.1:/)
    }
    assert.equal(
      decideOn([builtRule], [], { evidence: { items, sources } }).verdict,
      'UNDETERMINED',
    )
  })
}

test('what one source fails at takes nothing from the others', async () => {
  pages.set(`/store/sha256/${sha256}`, '{"a":1}')
  pages.set('/-/npm/v1/attestations/shop@1.0.0', 'fault hang')
  const { items, sources } = await gather([
    npm('shop'),
    store(),
    { kind: 'directory', folder: join(folder, 'none') },
  ])
  assert.deepEqual(texts(items), ['{"a":1}'])
  assert.deepEqual(
    sources.map(({ outcome }) => outcome),
    ['unavailable', 'found', 'unavailable'],
  )
})

test('everything together ends in time', async () => {
  pages.set(`/store/sha256/${sha256}`, 'fault hang')
  const http = { limits: { connectMs: 60_000, idleMs: 60_000, totalMs: 60_000 } }
  const { sources } = await gather([store()], { timeoutMs: 100, http })
  assert.equal(sources[0]?.outcome, 'unavailable')
  assert.match(sources[0]?.detail ?? '', /within the time given/)
})

test('a name and password in an address are neither shown nor sent; an authorization is sent, and not shown', async () => {
  const secret = base.replace('//', '//robot:topsecret@')
  const evidence = await gather([
    { kind: 'npm', registry: `${secret}/npm`, name: 'shop', version: '1.0.0' },
    { kind: 'http', base, authorization: 'Bearer topsecret' },
  ])
  assert.doesNotMatch(JSON.stringify(evidence), /topsecret/)
  assert.deepEqual(seen, [`/sha256/${sha256} Bearer topsecret`])
})

test('names that are no package are not asked for', async () => {
  for (const name of ['../../x', '@a/b/c', 'a b', '']) {
    const { sources } = await gather([npm(name)])
    assert.equal(sources[0]?.outcome, 'absent')
  }
  assert.deepEqual(seen, [])
})

test('too many sources, or no sha256, are a mistake of the caller', async () => {
  await assert.rejects(gather(Array.from({ length: 33 }, store)), TypeError)
  await assert.rejects(gather([], { artifact: { digest: { sha512: 'ab' } } }), TypeError)
})

test('a folder of attestations holds those of a digest in three places, and of no other', async () => {
  mkdirSync(join(folder, 'sha256', sha256), { recursive: true })
  mkdirSync(join(folder, 'sha256', sha256, 'sub'))
  writeFileSync(join(folder, 'sha256', sha256, 'one.json'), '{"a":1}')
  writeFileSync(join(folder, 'sha256', `${sha256}.jsonl`), '{"a":2}\n{"a":3}')
  writeFileSync(join(folder, `${sha256}.sigstore.json`), '{"a":4}')
  writeFileSync(join(folder, `${'cd'.repeat(32)}.json`), '{"a":"other"}')
  const { items, sources } = await findInDirectory(folder, sha256)
  assert.deepEqual(texts(items), ['{"a":1}', '{"a":2}', '{"a":3}', '{"a":4}'])
  assert.deepEqual(sources, [{ name: `${folder} sha256:${sha256}`, outcome: 'found' }])
})

test('more attestations than are taken are unavailable, not some of them', async () => {
  for (let file = 0; file < 3; file += 1) {
    const lines = Array.from({ length: 1000 }, (_, line) => `{"a":${file * 1000 + line}}`)
    writeFileSync(join(folder, `${sha256}.${file}`), lines.join('\n'))
  }
  const { items, sources } = await findInDirectory(folder, sha256)
  assert.deepEqual([items.length, sources[0]?.outcome], [0, 'unavailable'])
})

test('a folder that is not there, and a pipe in it, are unavailable; an empty one is absent', async () => {
  const outcome = async (path: string) => (await findInDirectory(path, sha256)).sources[0]?.outcome
  assert.equal(await outcome(join(folder, 'none')), 'unavailable')
  assert.equal(await outcome(folder), 'absent')
  execFileSync('mkfifo', [join(folder, `${sha256}.json`)])
  assert.equal(await outcome(folder), 'unavailable')
})

test('an annotation holds one attestation or several, as JSON, lines, an array, tokens, or base64 of these', () => {
  const base64 = (text: string): string => Buffer.from(text).toString('base64')
  const token = 'eyJhbGciOiJFUzI1NiJ9.e30.AAAA'
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['{"a":1}', ['{"a":1}']],
    ['{"a":1}\n{"a":2}', ['{"a":1}', '{"a":2}']],
    ['[{"a":1},{"a":2}]', ['{"a":1}', '{"a":2}']],
    [`["${base64('{"a":1}')}"]`, ['{"a":1}']],
    [base64('{"a":1}'), ['{"a":1}']],
    [Buffer.from('{"a":"??>>"}').toString('base64url'), ['{"a":"??>>"}']],
    [base64('[{"a":1}]'), ['{"a":1}']],
    [token, [token]],
  ]
  for (const [value, wanted] of cases) {
    const { items, sources } = readAnnotation({ name: 'n', value })
    assert.deepEqual(texts(items), wanted, value)
    assert.equal(sources[0]?.outcome, 'found')
  }
})

test('whatever else is in an annotation is evidence to be refused, or none; never an outage', () => {
  const values = [
    '',
    'garbage!',
    '[',
    '[1,2]',
    '{',
    'AAAA',
    '[[[]]]',
    'x'.repeat(300_000),
    `[${'{},'.repeat(100)}{}]`,
  ]
  for (const value of values) {
    const { items, sources } = readAnnotation({ name: 'n', value })
    assert.notEqual(sources[0]?.outcome, 'unavailable')
    const decision = decideOn([builtRule], items, {
      evidence: { items, sources },
      policy: 'whenUnavailable: allow',
    })
    assert.deepEqual([decision.verdict, decision.effect], ['DENY', 'blocked'], value.slice(0, 20))
  }
})

test('an annotation with too many parts costs little more than to read JSON, and the same one nothing when it is read again', () => {
  const value = `[${'0,'.repeat(120_000)}0]`
  // The fastest of many: whatever else the machine does makes the others slower.
  const took = (work: () => unknown): number => {
    const times = Array.from({ length: 20 }, () => {
      const began = performance.now()
      work()
      return performance.now() - began
    })
    return Math.min(...times)
  }
  const parsing = took(() => parseJson(Buffer.from(value), { what: 'it' }))
  const reading = took(() => readAnnotation({ name: 'n', value }))
  // To write all parts anew took six times as long.
  assert.ok(reading < 3 * parsing, `${reading} ms, and ${parsing} ms to parse it`)
  const annotation = { name: 'n', value }
  const { sources } = readAnnotation(annotation)
  assert.match(sources[0]?.detail ?? '', /found 120001: not looked at/)
  assert.equal(readAnnotation(annotation), readAnnotation(annotation))
})

test('the cache is bounded, and forgets first what was not asked for longest', () => {
  const cache = openByteCache({ maxBytes: 10, maxEntries: 3 })
  const put = (text: string): string => {
    cache.put(Buffer.from(text))
    return execFileSync('sha256sum', { input: text }).toString().slice(0, 64)
  }
  const [a, b] = [put('aaaa'), put('bbbb')]
  assert.ok(cache.get(a))
  const c = put('cccc')
  assert.deepEqual(
    [a, b, c].map((key) => cache.get(key) !== undefined),
    [true, false, true],
  )
  const large = put('x'.repeat(11))
  assert.equal(cache.get(large), undefined)
})
