import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { SallyportError } from '#error'
import { fetchMaterials } from './fetch.ts'
import { checkLock } from './lock/check.ts'
import { parseMaterialsLock, type MaterialsLock } from './lock/lock.ts'
import { makeLock } from './lock/make.ts'
import { sha512Of } from './npm/integrity.ts'
import { npmRegistryEntries } from './npm/registry-entries.ts'
import { pointerTo } from './npm/package-lock.ts'
import { integrity, packageLock, sha256, testPackage, type TestPackage } from './testing/package.ts'
import { startRegistry, type TestRegistry, type TestRegistryOptions } from './testing/registry.ts'
import { testFolder, testStorage } from './testing/storage.ts'

const a = testPackage('a')
const b = testPackage('@s/b', '2.0.0')
const node = testPackage('node-tool', '24.0.0')
const platform = 'linux/amd64'
const file = 'sallyport.lock.json'
const soon = { timeout: 20_000 }

async function registry(
  context: TestContext,
  packages: readonly TestPackage[],
  options: TestRegistryOptions = {},
): Promise<TestRegistry> {
  const started = await startRegistry(packages, options)
  context.after(() => started.close())
  return started
}

const native = { path: 'package-lock.json', bytes: packageLock([a, b]) }

/** A lock of a and b as it should be, without any network. */
function lockOf(packages: readonly TestPackage[], change: object = {}): MaterialsLock {
  const entries = packages.map(({ name, version, integrity: digest, sha256: hash, tarball }) => ({
    type: 'npm',
    id: `npm:${name}@${version}`,
    purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
    sha256: hash,
    size: tarball.length,
    integrity: digest,
    roles: ['dependency'],
    derivedFrom: { lock: 'package-lock.json', pointer: pointerTo(`node_modules/${name}`) },
    ...change,
  }))
  const lock = {
    schema: 'https://sallyport.dev/lock/v1',
    generator: 'test',
    platform,
    nativeLocks: [],
    entries: entries.sort((x, y) => (x.id < y.id ? -1 : 1)),
  }
  return parseMaterialsLock(Buffer.from(JSON.stringify(lock)), { file })
}

test('a lock is made from a native lock and toolchains, and is what checkLock wants', async (t) => {
  const server = await registry(t, [a, b, node])
  const seen: string[] = []
  const storage = testStorage(t)
  const { lock, bytes } = await makeLock({
    ...storage,
    generator: 'sallyport/0.1.0',
    platform,
    nativeLocks: [native],
    toolchains: ['npm:node-tool@24.0.0', 'npm:a@1.0.0'],
    npm: server.access,
    onProgress: ({ id, total }) => seen.push(`${id} of ${total}`),
  })
  assert.deepEqual(parseMaterialsLock(bytes, { file }), lock)
  assert.deepEqual(
    lock.entries.map((entry) => [entry.id, entry.roles, entry.sha256, entry.size]),
    [
      ['npm:@s/b@2.0.0', ['dependency'], b.sha256, b.tarball.length],
      ['npm:a@1.0.0', ['dependency', 'toolchain'], a.sha256, a.tarball.length],
      ['npm:node-tool@24.0.0', ['toolchain'], node.sha256, node.tarball.length],
    ],
  )
  checkLock(lock, {
    file,
    platform,
    nativeLocks: [native],
    toolchains: ['npm:node-tool@24.0.0', 'npm:a@1.0.0'],
    debian: [],
  })
  assert.equal(seen.length, 3)
  // Nothing in it says where anything was reached.
  assert.doesNotMatch(Buffer.from(bytes).toString(), /127\.0\.0\.1|http:\/\/|localhost/)
})

test('a lock made twice is the same bytes, and the second asks for no tarball', async (t) => {
  const server = await registry(t, [a, b, node])
  const options = {
    ...testStorage(t),
    generator: 'g',
    platform,
    nativeLocks: [native],
    toolchains: ['npm:node-tool@24.0.0'],
    npm: server.access,
  }
  const first = await makeLock(options)
  const asked = server.requests.length
  const second = await makeLock({ ...options, previous: first.lock })
  assert.deepEqual(second.bytes, first.bytes)
  assert.deepEqual(server.requests.slice(asked), ['GET /node-tool'])
})

test('materials are fetched once; afterwards nothing is asked of anybody', async (t) => {
  const server = await registry(t, [a, b])
  const storage = testStorage(t)
  const lock = lockOf([a, b])
  const first = await fetchMaterials(lock, { ...storage, npm: server.access })
  assert.deepEqual(
    first.map(({ sha256: hash }) => hash),
    [b.sha256, a.sha256],
  )
  assert.deepEqual(first[0]?.provenience, { from: 'registry', origin: new URL(server.url).origin })
  await server.close()
  const again = await fetchMaterials(lock, { ...storage, environment: { PATH: '/nonexistent' } })
  assert.deepEqual(
    again.map(({ provenience }) => provenience.from),
    ['store', 'store'],
  )
  const entries = npmRegistryEntries(
    again,
    checkLock(
      { ...lock, nativeLocks: [{ path: native.path, sha256: sha256(native.bytes) }] },
      { file, platform, nativeLocks: [native], toolchains: [], debian: [] },
    ),
  )
  assert.deepEqual(
    entries.map(({ name, version, manifest, tarball }) => [
      name,
      version,
      manifest['dist'],
      tarball.sha256,
    ]),
    [
      ['@s/b', '2.0.0', { integrity: b.integrity }, b.sha256],
      ['a', '1.0.0', { integrity: a.integrity }, a.sha256],
    ],
  )
})

test('a tarball that was tampered with is refused, named, and not kept', async (t) => {
  const evil = testPackage('a', '1.0.0', { entries: [{ name: 'package/evil.js', body: 'x' }] })
  const server = await registry(t, [{ ...evil, integrity: a.integrity }])
  const storage = testStorage(t)
  const lock = lockOf([{ ...a, tarball: evil.tarball }])
  await assert.rejects(
    fetchMaterials(lock, { ...storage, npm: server.access }),
    (error: SallyportError) => {
      assert.deepEqual(
        error.problems.map(({ code, expected }) => [code, expected]),
        [
          ['MATERIAL_ALTERED', a.integrity],
          ['MATERIAL_ALTERED', `sha256 ${a.sha256}`],
        ],
      )
      assert.equal(error.problems[0]?.found, integrity(evil.tarball))
      return true
    },
  )
  assert.equal(await storage.blobs.has(evil.sha256), false)
  assert.deepEqual(readdirSync(join(storage.workspace, 'tmp')), [])
})

test('the right SHA-512 with a wrong SHA-256 or size in the lock is refused', async (t) => {
  const server = await registry(t, [a])
  const npm = server.access
  for (const [change, expected] of [
    [{ sha256: 'ab'.repeat(32) }, `sha256 ${'ab'.repeat(32)}`],
    [{ size: a.tarball.length + 1 }, `${a.tarball.length + 1} bytes`],
    [{ size: a.tarball.length - 1 }, `at most ${a.tarball.length - 1} bytes`],
  ] as const) {
    await assert.rejects(fetchMaterials(lockOf([a], change), { ...testStorage(t), npm }), {
      code: 'MATERIAL_ALTERED',
      expected,
    })
  }
})

test('another blob of the store cannot be passed off: its SHA-512 is looked at too', async (t) => {
  const storage = testStorage(t)
  const other = testPackage('other')
  await storage.blobs.put(other.tarball)
  const lock = lockOf([{ ...a, sha256: other.sha256, tarball: other.tarball }])
  const work = fetchMaterials(lock, { ...storage, environment: { PATH: '/nonexistent' } })
  await assert.rejects(work, { code: 'MATERIAL_ALTERED', expected: a.integrity })
})

test("npm's cache is used by digest, and not believed", async (t) => {
  const server = await registry(t, [a, b])
  const cache = testFolder(t)
  const place = (digest: string): string => {
    const hex = sha512Of(digest) ?? ''
    const path = join(
      cache,
      '_cacache/content-v2/sha512',
      hex.slice(0, 2),
      hex.slice(2, 4),
      hex.slice(4),
    )
    mkdirSync(dirname(path), { recursive: true })
    return path
  }
  writeFileSync(place(a.integrity), a.tarball)
  writeFileSync(place(b.integrity), 'poison')
  const npm = { ...server.access, cache }
  const found = await fetchMaterials(lockOf([a, b]), { ...testStorage(t), npm })
  assert.deepEqual(
    found.map(({ provenience }) => provenience.from),
    ['registry', 'npm-cache'],
  )
})

test("a link in npm's cache is not followed", async (t) => {
  const server = await registry(t, [a])
  const cache = testFolder(t)
  const hex = sha512Of(a.integrity) ?? ''
  const path = join(
    cache,
    '_cacache/content-v2/sha512',
    hex.slice(0, 2),
    hex.slice(2, 4),
    hex.slice(4),
  )
  mkdirSync(dirname(path), { recursive: true })
  const elsewhere = join(cache, 'elsewhere')
  writeFileSync(elsewhere, a.tarball)
  symlinkSync(elsewhere, path)
  const [found] = await fetchMaterials(lockOf([a]), {
    ...testStorage(t),
    npm: { ...server.access, cache },
  })
  assert.equal(found?.provenience.from, 'registry')
})

test('a passing failure is tried again, a lasting one is not', async (t) => {
  const server = await registry(t, [a, b], {
    intercept: (request, response, count) => {
      if (request.url?.startsWith('/a/') === true && count < 3) {
        if (count === 1) response.writeHead(503).end()
        else response.socket?.destroy()
        return true
      }
      return undefined
    },
  })
  const options = { npm: server.access, retryDelayMs: 0 }
  await fetchMaterials(lockOf([a]), { ...testStorage(t), ...options })
  assert.equal(server.requests.length, 3)
  const missing = testPackage('missing')
  await assert.rejects(fetchMaterials(lockOf([missing]), { ...testStorage(t), ...options }), {
    code: 'MATERIAL_UNKNOWN',
  })
  assert.deepEqual(server.requests.slice(3), ['GET /missing/-/missing-1.0.0.tgz', 'GET /missing'])
})

test('a body that is cut off is fetched again from its beginning', async (t) => {
  const server = await registry(t, [a], {
    intercept: (_, response, count) => {
      if (count > 1) return undefined
      response.writeHead(200, { 'content-length': a.tarball.length })
      response.write(a.tarball.subarray(0, 20), () => response.socket?.destroy())
      return true
    },
  })
  const [found] = await fetchMaterials(lockOf([a]), {
    ...testStorage(t),
    npm: server.access,
    retryDelayMs: 0,
  })
  assert.equal(found?.sha256, a.sha256)
})

test('a registry that cannot be reached is said to be so, for every package', async (t) => {
  const server = await registry(t, [])
  await server.close()
  const options = { npm: server.access, retries: 1, retryDelayMs: 0 }
  const work = fetchMaterials(lockOf([a, b]), { ...testStorage(t), ...options })
  await assert.rejects(work, (error: SallyportError) => {
    assert.deepEqual(
      error.problems.map(({ code }) => code),
      ['MATERIAL_UNAVAILABLE', 'MATERIAL_UNAVAILABLE'],
    )
    assert.match(error.found, /ECONNREFUSED/)
    return true
  })
})

test('a registry that keeps tarballs elsewhere says where in its metadata', async (t) => {
  const server = await registry(t, [a], { tarballsElsewhere: true })
  const [found] = await fetchMaterials(lockOf([a]), { ...testStorage(t), npm: server.access })
  assert.equal(found?.sha256, a.sha256)
  assert.deepEqual(server.requests, [
    'GET /a/-/a-1.0.0.tgz',
    'GET /a',
    'GET /elsewhere/a-1.0.0.tgz',
  ])
})

test('redirects are followed, but not for ever', async (t) => {
  const server = await registry(t, [a], {
    intercept: (request, response) => {
      const hop = Number(/hop=(\d+)/.exec(request.url ?? '')?.[1] ?? Number.NaN)
      const next = Number.isNaN(hop)
        ? request.headers['x'] === undefined
          ? 'hop=1'
          : undefined
        : `hop=${hop + 1}`
      response.writeHead(302, { location: `/round?${next}` }).end()
      return true
    },
  })
  const work = fetchMaterials(lockOf([a]), { ...testStorage(t), npm: server.access, retries: 0 })
  await assert.rejects(work, { code: 'MATERIAL_UNAVAILABLE', found: '"more than 5 redirects"' })
  assert.equal(server.requests.length, 6)
})

test('a token goes to the address it is for, and does not follow a redirect elsewhere', async (t) => {
  const elsewhere = await registry(t, [a])
  const server = await registry(t, [], {
    intercept: (request, response) => {
      response.writeHead(307, { location: new URL(request.url ?? '', elsewhere.url).href }).end()
      return true
    },
  })
  const host = new URL(server.url).host
  const authorization = (url: URL): string | undefined =>
    url.host === host ? 'Bearer secret' : undefined
  await fetchMaterials(lockOf([a]), { ...testStorage(t), npm: { ...server.access, authorization } })
  assert.deepEqual(server.authorizations, ['Bearer secret'])
  assert.deepEqual(elsewhere.authorizations, [undefined])
})

test('a redirect to something that is not the web is not followed', async (t) => {
  const server = await registry(t, [a], {
    intercept: (_, response) => {
      response.writeHead(302, { location: 'file:///etc/passwd' }).end()
      return true
    },
  })
  const work = fetchMaterials(lockOf([a]), { ...testStorage(t), npm: server.access, retries: 0 })
  await assert.rejects(work, { code: 'MATERIAL_UNAVAILABLE' })
})

test(
  'a registry that speaks something else from now on is one that does not answer',
  soon,
  async (t) => {
    const head = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'
    const server = await registry(t, [a], {
      intercept: (_, response) => response.socket?.write(head) !== undefined,
    })
    const work = fetchMaterials(lockOf([a]), { ...testStorage(t), npm: server.access, retries: 0 })
    await assert.rejects(work, { code: 'MATERIAL_UNAVAILABLE' })
  },
)

test('unverified TLS is recorded when the digest is pinned, and refused when it is not', async (t) => {
  const server = await registry(t, [a, node])
  // A name instead of an address: nothing says that it is this machine.
  const plain = {
    ...server.access,
    registryFor: () => new URL(server.url.replace('127.0.0.1', 'localhost')),
  }
  const [found] = await fetchMaterials(lockOf([a]), { ...testStorage(t), npm: plain })
  assert.equal(found?.provenience.from === 'registry' && found.provenience.exception, 'plain-http')
  const lock = { generator: 'g', platform, nativeLocks: [], toolchains: ['npm:node-tool@24.0.0'] }
  await assert.rejects(makeLock({ ...testStorage(t), ...lock, npm: plain }), {
    code: 'MATERIAL_TRANSPORT',
  })
})

test('a proxy of the machine is used', async (t) => {
  const proxy = await registry(t, [a], {
    intercept: (request, response) => {
      if (request.url !== 'http://registry.invalid/a/-/a-1.0.0.tgz') return undefined
      response.end(a.tarball)
      return true
    },
  })
  const npm = {
    ...proxy.access,
    registryFor: () => new URL('http://registry.invalid/'),
    proxy: { HTTP_PROXY: proxy.url },
  }
  const [found] = await fetchMaterials(lockOf([a]), { ...testStorage(t), npm, retries: 0 })
  assert.equal(found?.provenience.from === 'registry' && found.provenience.exception, 'plain-http')
})

test('a toolchain that the native lock has needs no metadata', async (t) => {
  const server = await registry(t, [a, b])
  await makeLock({
    ...testStorage(t),
    generator: 'g',
    platform,
    nativeLocks: [native],
    toolchains: ['npm:a@1.0.0'],
    npm: server.access,
  })
  assert.ok(!server.requests.includes('GET /a'))
})

test('a toolchain without an exact version, or without SHA-512, is refused', async (t) => {
  const server = await registry(t, [{ ...node, integrity: 'sha1-AAAAAAAAAAAAAAAAAAAAAAAAAAA=' }])
  const options = {
    ...testStorage(t),
    generator: 'g',
    platform,
    nativeLocks: [],
    npm: server.access,
  }
  for (const [id, code] of [
    ['npm:node-tool', 'LOCK_TOOLCHAIN'],
    ['npm:node-tool@latest', 'LOCK_TOOLCHAIN'],
    ['npm:node-tool@^24.0.0', 'LOCK_TOOLCHAIN'],
    ['npm:../x@1.0.0', 'LOCK_TOOLCHAIN'],
    ['npm:node-tool@24.0.0', 'NPM_INTEGRITY_MISSING'],
    ['npm:node-tool@25.0.0', 'MATERIAL_UNKNOWN'],
  ])
    await assert.rejects(makeLock({ ...options, toolchains: [id ?? ''] }), { code: code ?? '' })
})
