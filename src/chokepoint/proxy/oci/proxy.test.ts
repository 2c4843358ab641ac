import assert from 'node:assert/strict'
import { once } from 'node:events'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { open as openFile } from 'node:fs/promises'
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, test, type TestContext } from 'node:test'
import type { Decision } from '#decision'
import { sha256Hex } from '#document'
import type { Problem } from '#error'
import { openHttp, openUpstream, type HttpClient } from '#evidence'
import {
  builtRule,
  decideOn,
  provenance,
  request,
  signed,
} from '../../../core/decision/testing/fixtures.ts'
import { faults, type Fault } from '../../../evidence/testing/faults.ts'
import { imageType, indexType, pusherTo, type Pushed } from '../../../evidence/testing/push.ts'
import { startTestRegistry, type TestRegistry } from '../../../evidence/testing/registry.ts'
import type { PullQuestion } from '../ports.ts'
import { openBlobCache, type BlobCache } from './blob-cache.ts'
import { openHints } from './hints.ts'
import { openOciProxy } from './proxy.ts'

const repository = 'acme/shop'
const place = `registry.example/${repository}`
const dir = mkdtempSync(join(tmpdir(), 'sallyport-proxy-'))
let registry: TestRegistry
let http: HttpClient
let server: Server | undefined
let base = ''
/** What the policy lets through. */
let allowed: Set<string>
/** Whom it lets nothing through for. */
let strangers: Set<string>
/** What happens while a decision is made. */
let during: () => void
let asked: PullQuestion[]
let refusals: (readonly Problem[])[]
/** What happens when the disk fails. */
let onDisk: (error: unknown) => void
let cache: BlobCache
let edition = ''
let now: Date
/** Until when a grant lets everything in. */
let granted: Date | undefined
let folder = ''
let folders = 0

before(async () => {
  registry = await startTestRegistry()
  http = await openHttp({ limits: { connectMs: 500, idleMs: 1500, totalMs: 3000 } })
})
after(async () => {
  http.close()
  await registry.close()
  rmSync(dir, { recursive: true, force: true })
})
beforeEach(async () => {
  allowed = new Set()
  strangers = new Set()
  during = () => undefined
  onDisk = (error) => {
    throw error
  }
  asked = []
  refusals = []
  edition = 'first'
  now = new Date('2026-06-01T12:00:00Z')
  granted = undefined
  folder = join(dir, String((folders += 1)))
  registry.heal()
  await start()
})
afterEach(() => stop())

/** A proxy with the folder that there is, and no memory of another. */
async function start(
  maxBytes = 50_000_000,
  blobMs = 30_000,
  address = registry.base,
  stallMs = 5000,
): Promise<void> {
  const onError = (error: unknown): void => onDisk(error)
  cache = await openBlobCache({ folder, maxBytes, onError })
  const upstream = await openUpstream(new URL(address), {
    http,
    credentials: { find: () => Promise.resolve(undefined) },
    tokens: new Map(),
  })
  const proxy = openOciProxy({
    registries: new Map([['registry.example', { upstream, registry: registry.host }]]),
    mapping: {
      file: 'sallyport.yaml',
      where: 'proxies.oci.targets',
      exact: new Map(),
      prefixes: new Map([['registry.example/acme/', request.target]]),
    },
    ports: {
      decide: (question) => {
        asked.push(question)
        const decision = decisionOn(question)
        during()
        return Promise.resolve({ decision, index: asked.length })
      },
      refuse: (_, __, problems) => Promise.resolve(void refusals.push(problems)),
      edition: () => edition,
      explain: ({ decision }) => `${decision.verdict} ${decision.reasons[0]?.code ?? ''}`,
    },
    identify: ({ headers }) => Promise.resolve(String(headers['x-client'] ?? 'anonymous')),
    cache,
    hints: await openHints({ file: join(folder, 'hints'), onError }),
    clock: () => now,
    tell: () => undefined,
    limits: { askMs: 2000, blobMs, stallMs },
  })
  server = createServer((call, response) => void proxy(call, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function stop(): void {
  server?.closeAllConnections()
  server?.close()
}

function decisionOn({ sha256, requester }: PullQuestion): Decision {
  const about = { request: { ...request, artifact: { name: 'image', digest: { sha256 } } } }
  const items =
    allowed.has(sha256) && !strangers.has(requester) ? [signed(provenance({ sha256 }))] : []
  const decision = decideOn([builtRule], items, about)
  if (granted === undefined || granted <= now) return decision
  const used = { approvers: ['erin'], until: granted.toISOString(), grants: [] }
  return {
    ...decision,
    effect: 'admitted-breakglass',
    breakglass: { wanted: [], grants: [], used },
  }
}

const push = () => pusherTo(registry.base, repository)

interface Got {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
  /** Whether everything came that was announced. */
  readonly isWhole: boolean
  readonly code: string | undefined
}

/** Asks as a client does that counts what it gets. */
function get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Got> {
  return new Promise((resolve, reject) => {
    const call = httpRequest(
      `${base}/v2/${path}`,
      { method, headers, agent: false },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', () => undefined)
        response.on('close', () => {
          const body = Buffer.concat(chunks)
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body,
            isWhole: response.complete,
            code: codeIn(body),
          })
        })
      },
    )
    call.on('error', reject)
    call.end()
  })
}

function codeIn(body: Buffer): string | undefined {
  try {
    return (JSON.parse(body.toString()) as { errors?: { code: string }[] }).errors?.[0]?.code
  } catch {
    return undefined
  }
}

const manifest = (reference: string) => get(`${place}/manifests/${reference}`)
const blob = (sha256: string, headers: Record<string, string> = {}) =>
  get(`${place}/blobs/sha256:${sha256}`, headers)

/** An image with one layer, which the policy lets through. */
async function allowedImage(content: string, tag = ''): Promise<Pushed & { layer: string }> {
  const image = await push().image(content, tag)
  allowed.add(image.digest)
  return { ...image, layer: sha256Hex(Buffer.from(content)) }
}

test('what is allowed is handed out, byte for byte, by tag and by digest', async () => {
  const image = await allowedImage('good', '1.0')
  for (const reference of ['1.0', `sha256:${image.digest}`]) {
    const { status, body, headers } = await manifest(reference)
    assert.equal(status, 200)
    assert.deepEqual(body, Buffer.from(image.bytes))
    assert.equal(headers['docker-content-digest'], `sha256:${image.digest}`)
    assert.equal(headers['content-type'], imageType)
  }
  assert.deepEqual((await blob(image.layer)).body, Buffer.from('good'))
  assert.deepEqual(
    asked.map(({ name, sha256 }) => [name, sha256]),
    asked.map(() => [`${place}@sha256:${image.digest}`, image.digest]),
  )
})

test('what is refused is handed out by no method, and says why', async () => {
  const image = await push().image('bad', '2.0')
  const { status, body, code } = await manifest('2.0')
  assert.deepEqual([status, code], [403, 'DENIED'])
  assert.match(body.toString(), /PROVENANCE_MISSING/)
  assert.doesNotMatch(body.toString(), /schemaVersion/)
  const head = await get(`${place}/manifests/2.0`, {}, 'HEAD')
  assert.deepEqual([head.status, head.body.length], [403, 0])
  assert.equal((await blob(sha256Hex(Buffer.from('bad')))).code, 'BLOB_UNKNOWN')
  assert.equal((await blob(image.digest)).code, 'BLOB_UNKNOWN')
})

test('nothing can be changed', async () => {
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
    for (const path of [`${place}/blobs/uploads/`, `${place}/manifests/1.0`, '']) {
      const { status, code } = await get(path, {}, method)
      assert.deepEqual([status, code], [405, 'UNSUPPORTED'])
    }
  }
})

test('a repository without a target is refused and recorded before anybody is asked', async () => {
  const before = registry.requests.length
  for (const path of ['manifests/1', `blobs/sha256:${'a'.repeat(64)}`, 'tags/list']) {
    assert.equal((await get(`registry.example/other/${path}`)).code, 'DENIED')
  }
  assert.deepEqual(
    refusals.map(([problem]) => problem?.code),
    ['PROXY_TARGET', 'PROXY_TARGET', 'PROXY_TARGET'],
  )
  assert.equal(registry.requests.length, before)
})

test('what a client says about itself goes no further', async () => {
  const image = await allowedImage('private', 'p')
  const secret = { authorization: 'Bearer of-the-client', cookie: 'a=b' }
  await get(`${place}/manifests/p`, secret)
  await get(`${place}/blobs/sha256:${image.layer}`, secret)
  assert.ok(registry.requests.every((line) => !line.includes('Bearer')))
})

test('a manifest that two would read in two ways is handed out to nobody', async () => {
  const both = {
    config: { mediaType: 'a/b', digest: 'sha256:0', size: 1 },
    layers: [],
    manifests: [],
  }
  const liar = { layers: [], mediaType: indexType }
  const loud = { layers: [], Manifests: [] }
  for (const [tag, json] of Object.entries({ both, liar, loud, other: { hello: 'world' } })) {
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, ...json }))
    const { digest } = await push().manifest(tag, bytes, imageType)
    allowed.add(digest)
    const { status, body } = await manifest(tag)
    assert.equal(status, 403, tag)
    assert.match(body.toString(), /PROXY_MANIFEST/)
  }
  assert.equal(refusals.length, 4)
  assert.match(refusals[2]?.[0]?.found ?? '', /in another case: "Manifests"/)
  assert.equal(asked.length, 0)
})

test('JSON that nobody reads is what somebody has pushed, and no failure of the registry', async () => {
  const lists = `{"schemaVersion":2,"layers":[],"annotations":[${'[],'.repeat(150_000)}[]]}`
  const twice = '{"schemaVersion":2,"layers":[],"layers":[]}'
  for (const [tag, text] of Object.entries({ lists, twice })) {
    await push().manifest(tag, Buffer.from(text), imageType)
    const { status, code } = await manifest(tag)
    assert.deepEqual([status, code], [403, 'DENIED'], tag)
  }
  assert.match(refusals[0]?.[0]?.found ?? '', /at most 200000 values, found more/)
  assert.match(refusals[1]?.[0]?.found ?? '', /found the key "layers" twice/)
})

test('an image of an index is decided for itself, with the index at hand', async () => {
  const image = await allowedImage('child')
  const index = await push().index([image], 'all')
  allowed.add(index.digest)
  assert.equal((await manifest('all')).status, 200)
  // Its manifest is no blob, even where the registry would hand it out as one, and whatever a hint says.
  await replaceBlob(image.digest, Buffer.from(image.bytes))
  assert.equal((await blob(image.digest)).code, 'BLOB_UNKNOWN')
  stop()
  appendFileSync(
    join(folder, 'hints'),
    `${place} ${image.digest} ${index.digest} ${image.bytes.length}\n`,
  )
  await start()
  assert.equal((await blob(image.digest)).code, 'BLOB_UNKNOWN')
  assert.equal((await manifest(`sha256:${image.digest}`)).status, 200)
  assert.equal(
    asked.at(-1)?.reference,
    `${registry.host}/${repository}:${index.digest}@sha256:${image.digest}`,
  )
  const pulled = { repository: place, reference: `sha256:${image.digest}` }
  assert.deepEqual(asked.at(-1)?.asked, pulled)
  allowed.delete(image.digest)
  assert.equal((await manifest(`sha256:${image.digest}`)).code, 'DENIED')
})

test('after a restart a blob is handed out only once its image is decided again', async () => {
  const image = await allowedImage('restart', 'r')
  await manifest('r')
  stop()
  await start()
  const before = asked.length
  assert.equal((await blob(image.layer)).status, 200)
  assert.equal(asked.length, before + 1)
  stop()
  await start()
  allowed.clear()
  const { status, code } = await blob(image.layer)
  assert.deepEqual([status, code], [403, 'DENIED'])
})

test('when policies change, or time passes, an image is decided again for its blobs', async () => {
  const image = await allowedImage('edition', 'e')
  await manifest('e')
  await blob(image.layer)
  assert.equal(asked.length, 1)
  edition = 'second'
  allowed.clear()
  assert.equal((await blob(image.layer)).code, 'DENIED')
  allowed.add(image.digest)
  assert.equal((await blob(image.layer)).status, 200)
  allowed.clear()
  now = new Date(now.getTime() + 301_000)
  assert.equal((await blob(image.layer)).code, 'DENIED')
})

test('what a grant has let in is handed out until the grant is over, and no longer', async () => {
  const image = await push().image('granted', 'granted')
  const layer = sha256Hex(Buffer.from('granted'))
  granted = new Date(now.getTime() + 60_000)
  assert.equal((await manifest('granted')).status, 200)
  assert.equal((await blob(layer)).status, 200)
  now = new Date(granted.getTime())
  assert.equal((await blob(layer)).code, 'DENIED')
  assert.deepEqual(
    asked.map(({ sha256 }) => sha256),
    [image.digest, image.digest],
  )
})

test('policies that change while an image is decided count for its blobs', async () => {
  const image = await allowedImage('race', 'race')
  during = () => {
    edition = 'second'
    allowed.clear()
  }
  assert.equal((await manifest('race')).status, 200)
  const { status, code } = await blob(image.layer)
  assert.deepEqual([status, code], [403, 'DENIED'])
})

test('what was let through for one is not handed out to another', async () => {
  const image = await allowedImage('for deployers', 'd')
  strangers.add('stranger')
  assert.equal((await manifest('d')).status, 200)
  assert.equal((await blob(image.layer)).status, 200)
  assert.equal((await blob(image.layer, { 'x-client': 'stranger' })).code, 'DENIED')
  assert.equal(asked.at(-1)?.requester, 'stranger')
  // Nor is it taken from the first by asking.
  const before = asked.length
  assert.equal((await blob(image.layer)).status, 200)
  assert.equal(asked.length, before)
})

test('a gate that has not seen the manifest hands out its blobs once anybody has asked for it there', async () => {
  const image = await allowedImage('elsewhere', 'kept')
  const mine = { 'x-client': 'node' }
  const unseen = await blob(image.layer, mine)
  assert.equal(unseen.code, 'BLOB_UNKNOWN')
  assert.match(unseen.body.toString(), /where there are several gates/)
  await get(`${place}/manifests/sha256:${image.digest}`, {}, 'HEAD')
  assert.equal((await blob(image.layer, mine)).status, 200)
  assert.deepEqual(
    asked.map(({ requester }) => requester),
    ['anonymous', 'node'],
  )
})

test('a hint that somebody forged leads to nothing', async () => {
  const image = await allowedImage('honest', 'h')
  await push().image('never allowed')
  const secret = sha256Hex(Buffer.from('never allowed'))
  await manifest('h')
  stop()
  writeFileSync(join(folder, 'hints'), `${place} ${secret} ${image.digest} 13\n`)
  await start()
  assert.equal((await blob(secret)).code, 'BLOB_UNKNOWN')
  assert.equal((await manifest('h')).status, 200)
  assert.equal((await blob(secret)).code, 'BLOB_UNKNOWN')
})

test('a blob of several images is handed out as a part of any that is let through', async () => {
  const first = await allowedImage('shared', 'one')
  const layers = ['shared', 'more'].map((text) => ({
    mediaType: 'application/vnd.oci.image.layer.v1.tar',
    bytes: Buffer.from(text),
  }))
  const second = await push().layers('two', layers)
  allowed.add(second.digest)
  for (const tag of ['one', 'two']) assert.equal((await manifest(tag)).status, 200)
  edition = 'second'
  allowed.delete(second.digest)
  assert.equal((await blob(first.layer)).body.toString(), 'shared')
  assert.deepEqual(
    asked.slice(2).map(({ sha256 }) => sha256),
    [second.digest, first.digest],
  )
  edition = 'third'
  allowed.clear()
  assert.equal((await blob(first.layer)).code, 'DENIED')
})

test('where one manifest is refused and another does not list the blob, the refusal is told', async () => {
  const image = await allowedImage('lists others')
  const wanted = sha256Hex(Buffer.from('wanted'))
  const json = { schemaVersion: 2, layers: [], mediaType: indexType }
  const liar = await push().manifest('', Buffer.from(JSON.stringify(json)), imageType)
  stop()
  const hints = [image, liar].map(({ digest }) => `${place} ${wanted} ${digest} 6\n`)
  writeFileSync(join(folder, 'hints'), hints.join(''))
  await start()
  const { status, code, body } = await blob(wanted)
  assert.deepEqual([status, code], [403, 'DENIED'])
  assert.match(body.toString(), /PROXY_MANIFEST/)
})

test('other bytes than the digest says never arrive whole, and are not kept', async () => {
  const content = 'x'.repeat(2_000_000)
  const image = await allowedImage(content, 't')
  await manifest('t')
  const changed = Buffer.from(content)
  changed[1_999_999] = 0
  await replaceBlob(image.layer, changed)
  const got = await blob(image.layer)
  assert.ok(!got.isWhole && got.body.length < content.length, `${got.status} ${got.body.length}`)
  assert.equal((await blob(image.layer, { range: 'bytes=0-9' })).status, 502)
  await replaceBlob(image.layer, Buffer.from(content.slice(1)))
  assert.ok(!(await blob(image.layer)).isWhole)
  await replaceBlob(image.layer, Buffer.from(`${content}more`))
  assert.notEqual((await blob(image.layer)).status, 200)
  await replaceBlob(image.layer, Buffer.from(content))
  const sound = await blob(image.layer)
  assert.ok(sound.isWhole && sound.body.length === content.length)
})

async function replaceBlob(sha256: string, bytes: Buffer): Promise<void> {
  const url = `${registry.base}/v2/${repository}/blobs/uploads/1?digest=sha256:${sha256}`
  await fetch(url, { method: 'PUT', body: new Uint8Array(bytes) })
}

test('what rotted on this disk is not handed out, and comes from the registry the next time', async () => {
  const image = await allowedImage('rot'.repeat(50_000), 'rot')
  await manifest('rot')
  await blob(image.layer)
  const file = join(folder, 'sha256', image.layer.slice(0, 2), image.layer)
  const bytes = readFileSync(file)
  bytes[bytes.length - 1] = 0
  writeFileSync(file, bytes)
  assert.ok(!(await blob(image.layer)).isWhole)
  const again = await blob(image.layer)
  assert.ok(again.isWhole && again.status === 200)
})

test('a part of a blob is a part of what was compared', async () => {
  const image = await allowedImage('0123456789', 'part')
  await manifest('part')
  const { status, body, headers } = await blob(image.layer, { range: 'bytes=2-4' })
  assert.deepEqual([status, body.toString()], [206, '234'])
  assert.equal(headers['content-range'], 'bytes 2-4/10')
  assert.equal((await blob(image.layer, { range: 'bytes=10-' })).status, 416)
  stop()
  await start(0)
  // Where nothing can be kept, the whole is sent, as the RFC allows.
  const before = fetches(image.layer)
  const whole = await blob(image.layer, { range: 'bytes=2-4' })
  assert.deepEqual([whole.status, whole.body.toString()], [200, '0123456789'])
  assert.equal(fetches(image.layer), before + 1)
})

test('for parts of a blob that are asked for together the whole is fetched once', async () => {
  const image = await allowedImage('part'.repeat(2_000_000), 'parts')
  await manifest('parts')
  const before = registry.requests.length
  const all = [1, 2, 3, 4, 5, 6].map((at) => blob(image.layer, { range: `bytes=${at}-${at}` }))
  const parts = await Promise.all(all)
  const got = parts.map(({ status, body }) => `${status} ${body.toString()}`)
  assert.deepEqual(got, ['206 a', '206 r', '206 t', '206 p', '206 a', '206 r'])
  const asked = registry.requests.slice(before).filter((line) => line.includes(image.layer))
  assert.equal(asked.length, 1, asked.join())
})

test('a blob that many ask for at the same time, whole or in part, is fetched once', async () => {
  const content = 'herd'.repeat(500_000)
  const image = await allowedImage(content, 'herd')
  await manifest('herd')
  const all = Array.from({ length: 10 }, () => blob(image.layer))
  const part = blob(image.layer, { range: 'bytes=1-2' })
  for (const { body, isWhole } of await Promise.all(all)) {
    assert.ok(isWhole && body.toString() === content)
  }
  assert.equal((await part).body.toString(), 'er')
  assert.equal(fetches(image.layer), 1)
})

test('who wants the whole of a blob gets it as it comes, whoever goes away meanwhile', async () => {
  await behindSlow(async (layer, slow) => {
    const first = taker(layer)
    await first.began
    const others = [taker(layer), taker(layer)]
    for (const { began } of others) await began
    first.leave()
    slow.hurry()
    for (const { whole } of others) assert.equal((await whole).length, 20_000)
    assert.equal(slow.asked(), 1)
  })
})

test('who takes nothing of a blob keeps nobody waiting who wants the same', async () => {
  const image = await allowedImage('l'.repeat(20_000_000), 'lazy')
  await manifest('lazy')
  const url = `${base}/v2/${place}/blobs/sha256:${image.layer}`
  const lazy = httpRequest(url, { agent: false }).end()
  const [response] = (await once(lazy, 'response')) as [IncomingMessage]
  response.on('error', () => undefined)
  const { isWhole, body } = await blob(image.layer)
  assert.deepEqual([isWhole, body.length, fetches(image.layer)], [true, 20_000_000, 1])
  lazy.destroy()
})

test('a whole blob that nobody takes any more is not fetched on', { timeout: 10_000 }, async () => {
  await behindSlow(async (layer, slow) => {
    const takers = [taker(layer), taker(layer)]
    for (const { began } of takers) await began
    for (const { leave } of takers) leave()
    assert.equal(await slow.ended, 'cut off')
  })
})

test('a disk that fails while a blob comes takes it from nobody', async (t) => {
  const content = 'disk'.repeat(2_000_000)
  const image = await allowedImage(content, 'disk')
  await manifest('disk')
  const errors: unknown[] = []
  onDisk = (error) => errors.push(error)
  await failWrites(t, 5)
  for (const { body, isWhole } of await Promise.all([blob(image.layer), blob(image.layer)])) {
    assert.ok(isWhole && body.toString() === content)
  }
  assert.match(String(errors[0]), /no space/)
  assert.equal(await cache.find(image.layer), undefined)
})

test('a blob for which there is no room on this disk is fetched for each', async () => {
  const content = 'room'.repeat(2_000_000)
  const image = await allowedImage(content, 'room')
  await manifest('room')
  const other = await cache.keeper('0'.repeat(64), 45_000_000)
  const all = [blob(image.layer), blob(image.layer), blob(image.layer, { range: 'bytes=2-4' })]
  for (const { status, body, isWhole } of await Promise.all(all)) {
    assert.ok(isWhole && status === 200 && body.toString() === content)
  }
  await other.abort()
  assert.equal(await cache.find(image.layer), undefined)
})

/** After so many more, nothing more can be written to any file. */
async function failWrites(t: TestContext, count: number): Promise<void> {
  const path = join(folder, 'any')
  const file = await openFile(path, 'w')
  const kind = Object.getPrototypeOf(file) as typeof file
  await file.close()
  let left = count
  t.mock.method(kind, 'writeFile', function (this: typeof file, bytes: Uint8Array) {
    if ((left -= 1) < 0) return Promise.reject(new Error('no space left on device'))
    return this.write(bytes)
  })
}

/** A client that takes all of a layer as it comes. */
function taker(layer: string) {
  const began = Promise.withResolvers<void>()
  const whole = Promise.withResolvers<string>()
  const chunks: Buffer[] = []
  const url = `${base}/v2/${place}/blobs/sha256:${layer}`
  const call = httpRequest(url, { agent: false }, (response) => {
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      began.resolve()
    })
    response.on('error', () => undefined)
    response.on('close', () => whole.resolve(Buffer.concat(chunks).toString()))
  })
  call.on('error', () => undefined).end()
  return { began: began.promise, whole: whole.promise, leave: () => call.destroy() }
}

/** How often the registry was asked for a blob. */
function fetches(layer: string): number {
  return registry.requests.filter((line) => line.includes(`GET`) && line.includes(layer)).length
}

test('whoever goes away while a blob is fetched for parts of it takes it from nobody else', async () => {
  await behindSlow(async (layer, slow) => {
    const first = await comer(layer)
    await slow.begun
    const others = [1, 2].map((at) => blob(layer, { range: `bytes=${at}-${at}` }))
    await once(server as Server, 'request')
    await joined(layer)
    await first.leave()
    slow.hurry()
    const parts = await Promise.all(others)
    const got = parts.map(({ status, body }) => `${status} ${body.toString()}`)
    assert.deepEqual([...got, slow.asked()], ['206 l', '206 o', 1])
  })
})

test('a blob that nobody waits for any more is not fetched on', { timeout: 10_000 }, async () => {
  await behindSlow(async (layer, slow) => {
    const first = await comer(layer)
    await slow.begun
    const second = await comer(layer)
    await joined(layer)
    await first.leave()
    await second.leave()
    assert.equal(await slow.ended, 'cut off')
    slow.hurry()
    const { status, body } = await blob(layer, { range: 'bytes=1-1' })
    assert.deepEqual([status, body.toString(), slow.asked()], [206, 'l', 2])
  })
})

test('a blob that takes too long is waited for no longer, by whoever came later either', async () => {
  await behindSlow(async (layer, slow) => {
    await comer(layer)
    await slow.begun
    const { status, body } = await blob(layer, { range: 'bytes=1-1' })
    assert.equal(status, 502)
    assert.match(body.toString(), /PROXY_UPSTREAM.*within 1 seconds.*blobSeconds/)
    assert.deepEqual([await slow.ended, slow.asked()], ['cut off', 1])
  }, 1000)
})

test('who waits for a part of a blob is cut off for taking nothing only once there is something to take', async () => {
  await behindSlow(async (layer, slow) => {
    const { response } = await comer(layer)
    const { socket } = response
    const closed = once(response, 'close')
    await slow.begun
    assert.equal(socket?.timeout, 0)
    slow.hurry()
    await closed
    assert.deepEqual([socket.timeout, response.statusCode], [5000, 206])
  })
})

interface SlowRegistry {
  /** It has sent some of the blob. */
  readonly begun: Promise<void>
  /** How it ended to send the blob for the first time. */
  readonly ended: Promise<'whole' | 'cut off'>
  readonly hurry: () => void
  /** How often for the blob. */
  readonly asked: () => number
}

/** Does something in front of a registry that sends a blob byte by byte until it is told to hurry. */
async function behindSlow(
  deed: (layer: string, slow: SlowRegistry) => Promise<void>,
  blobMs = 10_000,
): Promise<void> {
  const content = Buffer.from('slow'.repeat(5000))
  const { layer, digest, bytes } = await allowedImage(content.toString())
  const begun = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<'whole' | 'cut off'>()
  const hurry = Promise.withResolvers<void>()
  let asked = 0
  const sendSlowly = (response: ServerResponse): void => {
    asked += 1
    let sent = 0
    const trickle = setInterval(() => {
      response.write(content.subarray(sent, (sent += 1)))
      if (sent === 5) begun.resolve()
    }, 20)
    response.on('close', () => {
      clearInterval(trickle)
      ended.resolve(response.writableFinished ? 'whole' : 'cut off')
    })
    void hurry.promise.then(() => {
      clearInterval(trickle)
      response.end(content.subarray(sent))
    })
  }
  await behind(
    ({ url = '' }, response) => {
      if (url.includes(layer)) return sendSlowly(response)
      return response.setHeader('content-type', imageType).end(bytes)
    },
    async () => {
      assert.equal((await manifest(`sha256:${digest}`)).status, 200)
      const { promise } = begun
      await deed(layer, {
        begun: promise,
        ended: ended.promise,
        hurry: hurry.resolve,
        asked: () => asked,
      })
    },
    blobMs,
  )
}

/** A client that asks for a part of the layer, and whose request is there. */
async function comer(
  layer: string,
  headers: Record<string, string> = { range: 'bytes=0-0' },
): Promise<{ response: ServerResponse; leave: () => Promise<void> }> {
  const url = `${base}/v2/${place}/blobs/sha256:${layer}`
  const call = httpRequest(url, { headers, agent: false })
  call.on('error', () => undefined).end()
  const [, response] = (await once(server as Server, 'request')) as [unknown, ServerResponse]
  return {
    response,
    leave: async () => {
      const closed = once(response, 'close')
      call.destroy()
      await closed
    },
  }
}

/** Whoever asked before waits by now: this question goes the same way, and is answered. */
async function joined(layer: string): Promise<void> {
  const { status } = await get(`${place}/blobs/sha256:${layer}`, {}, 'HEAD')
  assert.equal(status, 200)
}

test('an image that is known is there while its registry is not', async () => {
  const image = await allowedImage('away', 'a')
  await manifest('a')
  await blob(image.layer)
  registry.fault(/./, 'reset')
  assert.equal((await manifest(`sha256:${image.digest}`)).status, 200)
  assert.equal((await blob(image.layer)).body.toString(), 'away')
  const tagged = await manifest('a')
  assert.deepEqual([tagged.status, tagged.code], [502, 'UNAVAILABLE'])
})

for (const fault of faults) {
  test(`a registry that is unwell (${fault}) hands out nothing, in time`, async () => {
    const image = await allowedImage(`fault ${fault}`, 'f')
    await manifest('f')
    await checkUnwell(fault, image)
  })
}

async function checkUnwell(fault: Fault, image: Pushed & { layer: string }): Promise<void> {
  registry.fault(/./, fault)
  const began = performance.now()
  const tagged = await manifest('f')
  assert.ok(tagged.status >= 400, `${tagged.status}`)
  // Another manifest is one that the policy does not know.
  assert.equal(tagged.code, fault === 'wrong-digest' ? 'DENIED' : 'UNAVAILABLE')
  assert.equal(refusals.length, 0)
  const layer = await blob(image.layer)
  assert.ok(layer.status >= 400 || !layer.isWhole, `${layer.status}`)
  assert.ok(performance.now() - began < 6000)
}

test('what names a manifest as its subject is listed, and decided when it is asked for', async () => {
  const image = await allowedImage('subject', 's')
  const referrer = await push().referrer(image, 'application/x', [])
  const { status, body } = await get(`${place}/referrers/sha256:${image.digest}`)
  assert.equal(status, 200)
  const { manifests } = JSON.parse(body.toString()) as { manifests: { digest: string }[] }
  assert.deepEqual(
    manifests.map(({ digest }) => digest),
    [`sha256:${referrer.digest}`],
  )
  assert.equal((await manifest(`sha256:${referrer.digest}`)).code, 'DENIED')
})

test('who takes a blob too slowly does not keep it for ever', async () => {
  const image = await allowedImage('s'.repeat(30_000_000), 'slow')
  stop()
  await start(50_000_000, 1000)
  await manifest('slow')
  await blob(image.layer)
  const path = `${base}/v2/${place}/blobs/sha256:${image.layer}`
  const ended = new Promise((resolve) => {
    const call = httpRequest(path, { agent: false }, (response) => {
      response.on('error', () => undefined)
      response.once('readable', () => setTimeout(() => response.resume(), 1300))
      response.on('close', () => resolve(response.complete))
    })
    call.end()
  })
  assert.equal(await ended, false)
})

test('who takes nothing of a blob is cut off after a while', { timeout: 10_000 }, async () => {
  const image = await allowedImage('n'.repeat(20_000_000), 'nothing')
  stop()
  await start(50_000_000, 30_000, registry.base, 500)
  await manifest('nothing')
  const url = `${base}/v2/${place}/blobs/sha256:${image.layer}`
  // Whoever has a listener, and takes nothing, holds up what comes.
  const call = httpRequest(url, { agent: false }, () => undefined)
  call.on('error', () => undefined).end()
  const [, response] = (await once(server as Server, 'request')) as [unknown, ServerResponse]
  await once(response, 'close')
  assert.equal(response.writableFinished, false)
})

test('a blob that its registry has no more is unknown, whole and in part', async () => {
  const { layer, digest, bytes } = await allowedImage('no more')
  await behind(
    ({ url = '' }, response) =>
      url.includes(layer)
        ? response.writeHead(404).end()
        : response.setHeader('content-type', imageType).end(bytes),
    async () => {
      assert.equal((await manifest(`sha256:${digest}`)).status, 200)
      for (const headers of [{}, { range: 'bytes=0-1' }]) {
        const { status, code } = await blob(layer, headers)
        assert.deepEqual([status, code], [404, 'BLOB_UNKNOWN'])
      }
    },
  )
})

test('a blob that has come while it was looked for is read from this disk', async (t) => {
  const image = await allowedImage('meanwhile', 'meanwhile')
  await manifest('meanwhile')
  await blob(image.layer)
  t.mock.method(cache, 'find', () => Promise.resolve(undefined), { times: 1 })
  const { status, body } = await blob(image.layer)
  assert.deepEqual([status, body.toString(), fetches(image.layer)], [200, 'meanwhile', 1])
})

test('what cannot be recorded is not handed out', async () => {
  const image = await allowedImage('unrecorded', 'u')
  asked.push = () => {
    throw new Error('the log is full')
  }
  const { status, body } = await manifest('u')
  assert.equal(status, 500)
  assert.doesNotMatch(body.toString(), /log is full|schemaVersion/)
  assert.equal((await blob(image.layer)).code, 'BLOB_UNKNOWN')
})

test('more referrers than are listed are not passed off for all', async () => {
  const image = await allowedImage('popular', 'many')
  const digest = `sha256:${'a'.repeat(64)}`
  const manifests = Array.from({ length: 513 }, () => ({ mediaType: imageType, digest, size: 1 }))
  const index = { schemaVersion: 2, mediaType: indexType, manifests }
  await behind(
    (_, response) => response.end(JSON.stringify(index)),
    async () => {
      const { status, code, body } = await get(`${place}/referrers/sha256:${image.digest}`)
      assert.deepEqual([status, code], [502, 'UNAVAILABLE'])
      assert.match(body.toString(), /PROXY_UPSTREAM.*found more than 512.*artifactType/)
    },
  )
})

test('a page of tags leads to the next, and is no whole list where that cannot be said', async () => {
  let link = ''
  await behind(
    (_, response) => {
      if (link !== '') response.setHeader('link', link)
      response.end('{"tags":["1","2"]}')
    },
    async () => {
      const tags = (query: string) => get(`${place}/tags/list?${query}`)
      const next = (query: string) => `</v2/acme/shop/tags/list?${query}>; rel="next"`
      link = next('n=2&last=2&more=x')
      const { headers } = await tags('n=2')
      assert.equal(headers['link'], `</v2/${place}/tags/list?n=2&last=2>; rel="next"`)
      const none = await tags('n=0')
      assert.equal(none.headers['link'], undefined)
      assert.equal(none.body.toString(), JSON.stringify({ name: place, tags: [] }))
      const endless = `n=2&last=2&x=${'x'.repeat(5000)}`
      for (const query of [
        'n=2&page=2',
        'n=2&next_page=gAAAAA&more=x',
        'n=2&last=eyJhIjoxfQ%3D%3D&more=x',
        'n=2&next_page=a%0Ab',
        `n=2&next_page=${'x'.repeat(3500)}`,
        endless,
      ]) {
        link = next(query)
        const { status, code, body } = await tags('n=2')
        assert.deepEqual([status, code], [502, 'UNAVAILABLE'], query)
        assert.match(body.toString(), /PROXY_UPSTREAM.*n=1000\)/)
      }
      link = '</elsewhere>; rel="help"'
      assert.equal((await tags('n=2')).status, 200)
    },
  )
})

const fiveTags = ['1.0', '1.1', '2.0', '2.1', 'latest']

/** Where a page of two begins, in words that only the registry understands. */
const opaque = (at: number, length: number) =>
  Buffer.from(`${String(at)}${'ÿ>?'.repeat(length)}!`).toString('base64')
const beginOf = (word: string | null) =>
  word === null ? 0 : Number.parseInt(Buffer.from(word, 'base64').toString(), 10)

/** `next_page` and `n`; `last` is not looked at. */
function quay({ url = '' }: IncomingMessage, response: ServerResponse): unknown {
  const { searchParams: query, pathname } = new URL(url, 'http://quay.io')
  const at = beginOf(query.get('next_page'))
  const next = encodeURIComponent(opaque(at + 2, 20))
  if (at + 2 < 5) {
    response.setHeader('link', `<${pathname}?next_page=${next}&n=2>; rel="next"`)
  }
  return response.end(JSON.stringify({ name: repository, tags: fiveTags.slice(at, at + 2) }))
}

/** An opaque `last` in a whole address, and at most 1000 at once. */
function ecr({ url = '', headers }: IncomingMessage, response: ServerResponse): unknown {
  const { searchParams: query, href } = new URL(url, `http://${headers.host}`)
  if (Number(query.get('n')) > 1000) {
    return response.writeHead(405).end('{"errors":[{"code":"UNSUPPORTED"}]}')
  }
  const at = beginOf(query.get('last'))
  const next = new URL(href)
  next.search = `?last=${encodeURIComponent(opaque(at + 2, 150))}`
  if (at + 2 < 5) response.setHeader('link', `<${next.href}>; rel="next"`)
  return response.end(JSON.stringify({ name: repository, tags: fiveTags.slice(at, at + 2) }))
}

for (const [kind, answer] of Object.entries({ quay, ecr })) {
  test(`tags of a registry that names pages in words of its own (${kind}) are listed to the end`, async () => {
    const urls: string[] = []
    const heard: typeof answer = (request, response) => {
      urls.push(request.url ?? '')
      return answer(request, response)
    }
    await behind(heard, async () => {
      for (const [path, query] of [
        [`${place}/tags/list`, ''],
        [`${place}/tags/list`, '?n=5000'],
        [`${repository}/tags/list`, '?ns=registry.example&hello=world'],
      ] as const) {
        assert.deepEqual(await tagsOf(path, query), fiveTags)
      }
      assert.equal(urls.length, 9)
      assert.ok(
        urls.every((url) => /^\/v2\/acme\/shop\/tags\/list(\?(?!.*(ns|hello)=)|$)/.test(url)),
      )
      const refused = await get(`${place}/tags/list?last=a%00b`)
      assert.deepEqual([refused.status, refused.code, urls.length], [400, 'UNSUPPORTED', 9])
      assert.match(refused.body.toString(), /REQUEST_PARAMETER/)
    })
  })
}

/** As a client follows the links. */
async function tagsOf(path: string, query: string): Promise<readonly string[]> {
  const tags: string[] = []
  for (let next: string | undefined = `${path}${query}`; next !== undefined;) {
    const { status, body, headers } = await get(next)
    assert.equal(status, 200, next)
    tags.push(...(JSON.parse(body.toString()) as { tags: string[] }).tags)
    const link: unknown = headers['link']
    next = /^<\/v2\/(\S+)>; rel="next"$/.exec(String(link))?.[1]
    assert.ok(link === undefined || next?.startsWith(path), String(link))
    assert.ok(tags.length <= fiveTags.length)
  }
  return tags
}

/** Does something with another registry behind the proxy. */
async function behind(
  answer: (request: IncomingMessage, response: ServerResponse) => unknown,
  deed: () => Promise<void>,
  blobMs = 2000,
): Promise<void> {
  const other = createServer((request, response) => void answer(request, response))
  other.listen(0, '127.0.0.1')
  await once(other, 'listening')
  try {
    stop()
    await start(50_000_000, blobMs, `http://127.0.0.1:${(other.address() as AddressInfo).port}`)
    await deed()
  } finally {
    other.closeAllConnections()
    other.close()
  }
}
