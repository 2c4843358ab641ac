import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test, type TestContext } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { makeKey, signBytes, type TestKey } from '../../../core/trust/testing/fixtures.ts'
import { rawTar } from '../../../materials/testing/raw-tar.ts'
import { npmRouteOf, type NpmProxySettings, type NpmReply } from './index.ts'
import { evidence, openHarness, proxyAddress, type Harness } from './testing/harness.ts'
import { integrityOf, packPackage, packTarball } from './testing/package.ts'

type More = Parameters<typeof openHarness>[0]

async function open(t: TestContext, more?: More): Promise<Harness> {
  const harness = await openHarness(more)
  t.after(() => harness.close())
  return harness
}

const codes = ({ refusals }: Harness): string[] =>
  refusals.flatMap(({ problems }) => problems.map(({ code }) => code))

async function bytesOf({ body }: NpmReply): Promise<Uint8Array> {
  if (!(body instanceof Readable)) return new Uint8Array(Buffer.from(body))
  return new Uint8Array(Buffer.concat((await body.toArray()) as Buffer[]))
}

const weekOld = (): Partial<NpmProxySettings> => ({
  minimumAge: { text: '7d', milliseconds: 7 * 86_400_000 },
})

test('a tarball lies with the proxy, and its integrity is what the registry said', async (t) => {
  const h = await open(t)
  const [bytes] = [...h.upstream.publish('tool', [{ version: '1.0.0' }]).values()]
  const { versions } = await h.json('/tool')
  assert.deepEqual(versions?.['1.0.0']?.dist, {
    tarball: `${proxyAddress}/tool/-/tool-1.0.0.tgz`,
    integrity: integrityOf(bytes ?? new Uint8Array()),
  })
})

test('a tarball is decided with both digests, and handed out as it is', async (t) => {
  const h = await open(t)
  const [bytes] = [...h.upstream.publish('@a/tool', [{ version: '1.0.0' }]).values()]
  const reply = await h.get('/@a%2ftool/-/tool-1.0.0.tgz')
  assert.equal(reply.status, 200)
  assert.deepEqual(await bytesOf(reply), new Uint8Array(bytes ?? []))
  const [question] = h.questions
  assert.equal(question?.name, 'pkg:npm/%40a/tool@1.0.0')
  assert.equal(question.requester, 'ci')
  assert.match(`${question.sha256} ${question.sha512}`, /^[0-9a-f]{64} [0-9a-f]{128}$/)
  assert.equal(question.npm?.registry, h.upstream.url)
  const registry = h.upstream.url
  assert.deepEqual(question.asked, { package: '@a/tool', version: '1.0.0', registry })
})

test('a decision that lets nobody in hands out nothing, and keeps nothing', async (t) => {
  const h = await open(t)
  h.upstream.publish('tool', [{ version: '1.0.0' }])
  h.effect = { verdict: 'DENY', effect: 'blocked' }
  const told = await h.json('/tool/-/tool-1.0.0.tgz')
  assert.deepEqual([told.status, told.error], [403, 'as was decided'])
  h.effect = { verdict: 'UNDETERMINED', effect: 'blocked' }
  assert.equal((await h.get('/tool/-/tool-1.0.0.tgz')).status, 503)
  assert.deepEqual(readdirSync(join(h.folder, 'tarballs')), [])
})

test('what is let in although the verdict is no says so to whoever installs', async (t) => {
  const h = await open(t)
  h.upstream.publish('tool', [{ version: '1.0.0' }])
  h.effect = { verdict: 'DENY', effect: 'admitted-audit' }
  const { status, headers } = await h.get('/tool/-/tool-1.0.0.tgz')
  assert.deepEqual([status, headers['npm-notice']], [200, 'as was decided'])
})

test('nothing is handed out and nothing is left out when it cannot be recorded', async (t) => {
  const h = await open(t, weekOld)
  h.upstream.publish('tool', [
    { version: '1.0.0' },
    { version: '1.1.0', published: '2026-05-31T00:00:00Z' },
  ])
  h.logs = false
  for (const url of ['/tool', '/tool/-/tool-1.0.0.tgz', '/tool/-/tool-1.1.0.tgz']) {
    await assert.rejects(h.get(url), /the log cannot be written/)
  }
})

test('the credentials of a client go nowhere, those of a registry to that registry only', async (t) => {
  const h = await open(t, ({ internal }) => ({
    scopes: new Map([
      [
        '@a',
        { url: internal, target: { environment: 'e', service: 's' }, authorization: 'Bearer x' },
      ],
    ]),
  }))
  h.upstream.publish('tool', [{ version: '1.0.0' }])
  h.internal.publish('@a/tool', [{ version: '1.0.0' }])
  for (const url of ['/tool/-/tool-1.0.0.tgz', '/@a/tool/-/tool-1.0.0.tgz']) await h.get(url)
  const sent = (asked: Harness['upstream']['asked']): unknown[] => [
    ...new Set(asked.map(({ headers }) => headers.authorization)),
  ]
  assert.deepEqual(sent(h.upstream.asked), ['Bearer of-the-proxy'])
  assert.deepEqual(sent(h.internal.asked), ['Bearer x'])
  assert.deepEqual(h.questions[1]?.target, { environment: 'e', service: 's' })
})

test('a bound name is asked for at its own registry alone, in every spelling, also when that has none', async (t) => {
  const h = await open(t, ({ internal }) => {
    const bound = { url: internal, target: { environment: 'e', service: 's' } }
    return { scopes: new Map([['@a', bound]]), packages: new Map([['own', bound]]) }
  })
  for (const name of ['own', 'OWN', '@a/tool', '@A/tool', '@a/none']) {
    h.upstream.publish(name, [{ version: '99.0.0' }])
    assert.equal((await h.get(`/${name}`)).status, 404, name)
    assert.equal((await h.get(`/${name}/-/${name.replace(/.*\//, '')}-99.0.0.tgz`)).status, 404)
  }
  h.internal.break()
  h.now = new Date('2026-06-01T13:00:00Z')
  assert.equal((await h.get('/own')).status, 503)
  assert.deepEqual(h.upstream.asked, [])
})

test('a public package of a bound name is reported where that is wanted', async (t) => {
  const h = await open(t, ({ internal }) => ({
    reportPublic: true,
    reserved: [{ prefix: 'own-' }],
    scopes: new Map([['@a', { url: internal, target: { environment: 'e', service: 's' } }]]),
  }))
  h.upstream.publish('@a/tool', [{ version: '99.0.0' }])
  await h.get('/@a/tool')
  await h.get('/@a/tool')
  await h.get('/@a/other')
  await h.proxy.idle()
  assert.deepEqual(codes(h), ['NPM_IMPOSTOR'])
  assert.equal(h.proxy.impostors, 1)
  // The clock was set back: nobody knows how long ago it was.
  h.now = new Date(h.now.getTime() - 3 * 86_400_000)
  await h.get('/@a/tool')
  await h.proxy.idle()
  assert.deepEqual(codes(h), ['NPM_IMPOSTOR', 'NPM_IMPOSTOR'])
  const told = await h.json('/own-thing')
  assert.match(told.error ?? '', /^NPM_NAME_RESERVED/)
})

test('versions that are refused disappear with what points to them, and it is recorded once', async (t) => {
  const h = await open(t, weekOld)
  const published = '2026-05-30T00:00:00.000Z'
  h.upstream.publish(
    'tool',
    [
      { version: '1.0.0' },
      { version: '1.1.0-rc.1' },
      { version: '2.0.0', published },
      { version: '3.0.0' },
    ],
    { latest: '2.0.0', next: '3.0.0', new: '2.0.0' },
  )
  const told = await h.json('/tool', { accept: 'application/vnd.npm.install-v1+json' })
  await h.json('/tool')
  assert.deepEqual(Object.keys(told.versions ?? {}), ['1.0.0', '1.1.0-rc.1', '3.0.0'])
  // Not 3.0.0, which was never recommended, and not a pre-release.
  assert.deepEqual(told['dist-tags'], { latest: '1.0.0', next: '3.0.0' })
  assert.deepEqual(Object.keys(told.policyRestrictions?.versions ?? {}), ['2.0.0'])
  assert.match(told.policyRestrictions?.message ?? '', /NPM_TOO_YOUNG.*wait until 2026-06-06/)
  assert.deepEqual(codes(h), ['NPM_TOO_YOUNG'])
  assert.equal((await h.get('/tool/-/tool-2.0.0.tgz')).status, 403)
  assert.deepEqual(codes(h), ['NPM_TOO_YOUNG', 'NPM_TOO_YOUNG'])
})

test('a package of which nothing is left is refused with the reason', async (t) => {
  const h = await open(t, () => ({ denied: ['tool', 'other@1.0.0'] }))
  h.upstream.publish('tool', [{ version: '1.0.0' }])
  h.upstream.publish('other', [{ version: '1.0.0' }, { version: '2.0.0' }])
  const told = await h.json('/tool')
  assert.equal(told.status, 403)
  assert.match(told.error ?? '', /^NPM_DENIED .*proxies\.npm\.denied/)
  assert.deepEqual(Object.keys((await h.json('/other')).versions ?? {}), ['2.0.0'])
})

test('with "fail" what is refused is offered, and fails with the reason', async (t) => {
  const h = await open(t, () => ({ refused: 'fail', denied: ['tool@2.0.0'] }))
  h.upstream.publish('tool', [{ version: '1.0.0' }, { version: '2.0.0' }])
  const told = await h.json('/tool')
  assert.deepEqual(Object.keys(told.versions ?? {}), ['1.0.0', '2.0.0'])
  assert.match((await h.json('/tool/-/tool-2.0.0.tgz')).error ?? '', /^NPM_DENIED/)
})

test('an age that is not known or lies ahead is no age, and an exception is exactly one version', async (t) => {
  const h = await open(t, () => ({ ...weekOld(), minimumAgeExceptions: new Set(['tool@5.0.0']) }))
  const published = [
    '2026-06-01T13:00:00.000Z',
    'yesterday',
    '0000',
    '2026-02-31',
    '2026-06-01T11:00:00Z',
  ]
  h.upstream.publish(
    'tool',
    published.map((time, at) => ({ version: `${at + 1}.0.0`, published: time })),
  )
  assert.deepEqual(Object.keys((await h.json('/tool')).versions ?? {}), ['5.0.0'])
  assert.deepEqual([...new Set(codes(h))], ['NPM_AGE_UNKNOWN'])
})

test('a time of publication may have an offset', async (t) => {
  const h = await open(t, weekOld)
  const published = [
    '2026-05-25T13:59:59.123456+02:00',
    '2026-05-25T11:59:59-00:00',
    '2026-05-25T14:00:00-02:00',
    '2026-05-25T11:00:00+25:00',
    '2026-05-25T11:00:00',
  ]
  h.upstream.publish(
    'tool',
    published.map((time, at) => ({ version: `${at + 1}.0.0`, published: time })),
  )
  assert.deepEqual(Object.keys((await h.json('/tool')).versions ?? {}), ['1.0.0', '2.0.0'])
  assert.deepEqual([...new Set(codes(h))].sort(), ['NPM_AGE_UNKNOWN', 'NPM_TOO_YOUNG'])
})

for (const [name, version, code] of [
  [
    'without a sha512',
    { dist: { integrity: 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=' } },
    'NPM_SHA512_MISSING',
  ],
  [
    'whose tarball lies elsewhere',
    { dist: { tarball: 'http://169.254.169.254/x.tgz' } },
    'NPM_TARBALL_ELSEWHERE',
  ],
  ['whose tarball has no address', { dist: { tarball: 7 } }, 'NPM_TARBALL_ELSEWHERE'],
  ['under another name', { manifest: { name: 'other' } }, 'NPM_VERSION_MALFORMED'],
  ['under another version', { manifest: { version: '2.0.0' } }, 'NPM_VERSION_MALFORMED'],
  [
    'that depends on Git',
    { manifest: { dependencies: { a: 'git+https://h/r' } } },
    'NPM_DEPENDENCY_ELSEWHERE',
  ],
  [
    'that depends on a fork',
    { manifest: { optionalDependencies: { a: 'user/repo' } } },
    'NPM_DEPENDENCY_ELSEWHERE',
  ],
  [
    'that depends on a file',
    { manifest: { dependencies: { a: '..\\x' } } },
    'NPM_DEPENDENCY_ELSEWHERE',
  ],
  [
    'that depends on a folder',
    { manifest: { dependencies: { a: '..' } } },
    'NPM_DEPENDENCY_ELSEWHERE',
  ],
  [
    'that depends on an archive beside it',
    { manifest: { dependencies: { a: 'packed.TGZ ' } } },
    'NPM_DEPENDENCY_ELSEWHERE',
  ],
  [
    'that depends on what npm takes for an archive beside it',
    { manifest: { dependencies: { a: 'packed.tar-gz' } } },
    'NPM_DEPENDENCY_ELSEWHERE',
  ],
  [
    'whose dependencies are a list of addresses',
    { manifest: { dependencies: ['https://h/r'] } },
    'NPM_DEPENDENCY_ELSEWHERE',
  ],
  [
    'whose dependencies are a text that leads to a folder',
    { manifest: { dependencies: '/' } },
    'NPM_DEPENDENCY_ELSEWHERE',
  ],
] as const) {
  test(`a version ${name} is refused`, async (t) => {
    const h = await open(t)
    h.upstream.publish('tool', [{ version: '1.0.0', ...version }])
    assert.equal((await h.get('/tool')).status, 403)
    assert.equal((await h.get('/tool/-/tool-1.0.0.tgz')).status, 403)
    assert.equal(codes(h)[0], code)
    assert.deepEqual(h.questions, [])
    assert.equal(
      h.upstream.asked.some(({ path }) => path.endsWith('.tgz')),
      false,
    )
  })
}

test('what is deprecated is offered, unless that is refused', async (t) => {
  const versions = [
    { version: '1.0.0' },
    { version: '1.1.0', manifest: { deprecated: 'use 2' } },
    { version: '1.2.0', manifest: { deprecated: '' } },
  ]
  const offered = async (deprecated: 'offer' | 'refuse'): Promise<string[]> => {
    const h = await open(t, () => ({ deprecated }))
    h.upstream.publish('tool', versions)
    return Object.keys((await h.json('/tool')).versions ?? {})
  }
  assert.deepEqual(await offered('offer'), ['1.0.0', '1.1.0', '1.2.0'])
  assert.deepEqual(await offered('refuse'), ['1.0.0', '1.2.0'])
})

test('ranges, tags and aliases are dependencies of a registry', async (t) => {
  const h = await open(t)
  const dependencies = { a: '^1.0.0 || 2.x', b: 'latest', c: 'npm:@s/x@>=1 <2', d: '*', e: '' }
  h.upstream.publish('tool', [{ version: '1.0.0', manifest: { dependencies } }])
  assert.equal((await h.get('/tool')).status, 200)
})

test('a tarball with other bytes is refused', async (t) => {
  const h = await open(t)
  h.upstream.publish('tool', [{ version: '1.0.0' }])
  h.upstream.tamper('tool', '1.0.0', packPackage({ name: 'tool', version: '1.0.0', evil: true }))
  assert.match((await h.json('/tool/-/tool-1.0.0.tgz')).error ?? '', /^NPM_INTEGRITY_MISMATCH/)
  assert.deepEqual(h.questions, [])
})

const inside = JSON.stringify({ name: 'tool', version: '1.0.0' })
for (const [name, tarball] of [
  ['another version', packPackage({ name: 'tool', version: '0.9.0' })],
  ['another package', packPackage({ name: 'other', version: '1.0.0' })],
  ['nothing', packTarball({ 'index.js': '' })],
  ['two things', packTarball({ 'package.json': inside, 'Package.json': inside })],
  ['no JSON', packTarball({ 'package.json': '{' })],
  ['null', packTarball({ 'package.json': 'null' })],
  ['what is no archive', new Uint8Array(Buffer.from('evil'))],
] as const) {
  test(`a tarball whose package.json says ${name} is refused, whatever its integrity`, async (t) => {
    const h = await open(t)
    h.upstream.publish('tool', [{ version: '1.0.0', tarball }])
    assert.match((await h.json('/tool/-/tool-1.0.0.tgz')).error ?? '', /^NPM_CONTENT_MISMATCH/)
    assert.deepEqual(h.questions, [])
  })
}

test('a tarball that cannot be taken for a package is refused with what is wrong with it, and what to do', async (t) => {
  const h = await open(t)
  const entries = [
    { name: 'package/package.json', body: inside },
    { name: 'package/bin', type: '2', target: 'lib' },
  ]
  h.upstream.publish('tool', [{ version: '1.0.0', tarball: gzipSync(rawTar(entries)) }])
  assert.match(
    (await h.json('/tool/-/tool-1.0.0.tgz')).error ?? '',
    /a symbolic link at "package\/bin" to "lib".*Have whoever publishes it/s,
  )
})

test('what is published under a bound name may be used at once', async (t) => {
  const h = await open(t, ({ internal }) => ({
    ...weekOld(),
    scopes: new Map([['@a', { url: internal, target: { environment: 'e', service: 's' } }]]),
  }))
  const published = '2026-06-01T11:59:00.000Z'
  h.internal.publish('@a/tool', [{ version: '1.0.0', published }])
  assert.equal((await h.get('/@a/tool')).status, 200)
  assert.equal((await h.get('/@a/tool/-/tool-1.0.0.tgz')).status, 200)
})

test('a host for tarballs gets no credentials of the registry', async (t) => {
  const h = await open(t, ({ internal }) => ({ tarballHosts: new Set([new URL(internal).host]) }))
  const path = 'files/tool-1.0.0.tgz'
  const bytes = packPackage({ name: 'tool', version: '1.0.0' })
  h.internal.answer(`/${path}`, bytes)
  const dist = { tarball: `${h.internal.url}${path}` }
  h.upstream.publish('tool', [{ version: '1.0.0', dist }])
  assert.equal((await h.get('/tool/-/tool-1.0.0.tgz')).status, 200)
  assert.deepEqual(
    h.internal.asked.map(({ headers }) => headers.authorization),
    [undefined],
  )
})

test('what is installed must be signed by the registry, where its keys are known', async (t) => {
  const key = makeKey()
  const stranger = makeKey()
  const expired = makeKey()
  const h = await open(t, () => ({
    signatures: new Map([
      ['SHA256:known', { key: createPublicKey(key.publicPem) }],
      [
        'SHA256:old',
        { key: createPublicKey(expired.publicPem), expires: new Date('2023-01-01T00:00:00Z') },
      ],
    ]),
  }))
  const bytes = packPackage({ name: 'tool', version: '1.0.0' })
  const signedBy = (one: TestKey, text = `tool@1.0.0:${integrityOf(bytes)}`): string =>
    Buffer.from(signBytes(one, Buffer.from(text), 'dsse')).toString('base64')
  const good = { keyid: 'SHA256:known', sig: signedBy(key) }
  const forged = { keyid: 'SHA256:known', sig: signedBy(stranger) }
  for (const [signatures, status] of [
    [[good], 200],
    [[{ keyid: 'SHA256:other', sig: signedBy(stranger) }, good], 200],
    [[good, forged], 403],
    [[forged], 403],
    [[{ keyid: 'SHA256:known', sig: signedBy(key, `tool@2.0.0:${integrityOf(bytes)}`) }], 403],
    [[{ keyid: 'SHA256:old', sig: signedBy(expired) }], 403],
    [[{ keyid: 'SHA256:known', sig: '' }], 403],
    [[{ keyid: 7 }, null], 403],
    [Array.from({ length: 17 }, () => good), 403],
    ['x', 403],
    [undefined, 403],
  ] as const) {
    h.upstream.publish('tool', [{ version: '1.0.0', tarball: bytes, dist: { signatures } }])
    h.now = new Date(h.now.getTime() + 60_000)
    const told = await h.get('/tool/-/tool-1.0.0.tgz')
    assert.equal(told.status, status, JSON.stringify(signatures))
  }
  assert.deepEqual([...new Set(codes(h))], ['NPM_SIGNATURE'])
})

test('what was kept is compared with its digest again, and replaced when it is not that', async (t) => {
  const h = await open(t)
  const [bytes] = [...h.upstream.publish('tool', [{ version: '1.0.0' }]).values()]
  await bytesOf(await h.get('/tool/-/tool-1.0.0.tgz'))
  const [file = ''] = readdirSync(join(h.folder, 'tarballs'))
  writeFileSync(join(h.folder, 'tarballs', file), 'evil')
  const reply = await h.get('/tool/-/tool-1.0.0.tgz')
  assert.deepEqual(await bytesOf(reply), new Uint8Array(bytes ?? []))
})

test('while the registry is down, what was let in is decided again and handed out; the rest is an outage', async (t) => {
  const h = await open(t)
  const [bytes] = [
    ...h.upstream.publish('tool', [{ version: '1.0.0' }, { version: '1.1.0' }]).values(),
  ]
  await bytesOf(await h.get('/tool/-/tool-1.0.0.tgz'))
  h.upstream.break()
  h.now = new Date('2026-06-01T13:00:00Z')
  const reply = await h.get('/tool/-/tool-1.0.0.tgz')
  assert.deepEqual(await bytesOf(reply), new Uint8Array(bytes ?? []))
  assert.deepEqual(
    h.questions.map(({ kept }) => kept),
    [undefined, [evidence]],
  )
  const told = await h.json('/tool/-/tool-1.1.0.tgz')
  assert.equal(told.status, 503)
  assert.match(told.error ?? '', /^NPM_UPSTREAM .*status 500/)
  assert.equal((await h.json('/tool')).status, 503)
  h.effect = { verdict: 'DENY', effect: 'blocked' }
  assert.equal((await h.get('/tool/-/tool-1.0.0.tgz')).status, 403)
})

for (const [name, body] of [
  ['no JSON', '<html>'],
  ['a list', '[]'],
  ['of another package', '{"name": "other", "versions": {}}'],
  ['not UTF-8', Buffer.from([0x7b, 0xff])],
  ['endlessly deep', '['.repeat(200_000)],
  ['larger than is read', ' '.repeat(1_000_001)],
  [
    'nested without end',
    `{"name": "tool", "versions": {"1.0.0": {"x": ${'['.repeat(100_000)}${']'.repeat(100_000)}}}}`,
  ],
] as const) {
  test(`a packument that is ${name} is an outage, and no crash`, async (t) => {
    const h = await open(t)
    h.upstream.answer('/tool', body)
    assert.equal((await h.json('/tool')).status, 503)
    assert.equal((await h.json('/tool/-/tool-1.0.0.tgz')).status, 503)
  })
}

test('odd names of versions and fields that nobody knows are not handed on', async (t) => {
  const h = await open(t, () => ({ refused: 'fail' }))
  h.upstream.publish('tool', [{ version: '1.0.0' }])
  const real = await h.json('/tool')
  const odd = `"__proto__": {"polluted": 1}, "../../x": {}, "constructor": 7, "9.9.9": null`
  const versions = `{${odd}, ${JSON.stringify(real.versions).slice(1)}`
  const lies = '"stagedVersions": {"versions": {}}, "policyRestrictions": {"message": "x"}'
  h.upstream.answer(
    '/odd',
    `{"name": "odd", ${lies}, "versions": ${versions}}`
      .replaceAll('"tool"', '"odd"')
      .replaceAll(proxyAddress, h.upstream.url.slice(0, -1)),
  )
  const told = await h.json('/odd')
  assert.equal(told.status, 200, told.error)
  assert.deepEqual(Object.keys(told.versions ?? {}), ['1.0.0'])
  assert.equal(told['stagedVersions'], undefined)
  assert.notEqual(told.policyRestrictions?.message, 'x')
})

test('npm is told of scripts that run when a package is installed, by what the scripts are or the registry says', async (t) => {
  const told = (manifest: Readonly<Record<string, unknown>>, version: string) => ({
    version,
    manifest,
  })
  const short = { accept: 'application/vnd.npm.install-v1+json' }
  const h = await open(t, weekOld)
  h.upstream.publish('native', [
    told({ scripts: { postinstall: 'node-gyp rebuild' } }, '1.0.0'),
    told({ scripts: { test: 'true' }, hasInstallScript: true, gypfile: true }, '1.0.1'),
    told({ scripts: { test: 'true' }, hasInstallScript: false }, '1.0.2'),
    told({ hasInstallScript: true }, '1.0.3'),
    told({}, '1.0.4'),
  ])
  for (const more of [short, {}]) {
    const { versions = {} } = await h.json('/native', more)
    const has = Object.values(versions).map(({ hasInstallScript }) => hasInstallScript)
    assert.deepEqual(has, [true, true, false, true, undefined])
  }
})

test('an audit goes to the public registry without the names that are bound elsewhere', async (t) => {
  const h = await open(t, ({ internal }) => ({
    reserved: [{ prefix: 'own-' }],
    scopes: new Map([['@a', { url: internal, target: { environment: 'e', service: 's' } }]]),
  }))
  const bulk = '/-/npm/v1/security/advisories/bulk'
  h.upstream.answer(bulk, '{"tool": []}')
  const question = { tool: ['1.0.0'], '@a/secret': ['1.0.0'], 'own-x': ['1.0.0'] }
  const body = async (): Promise<Uint8Array> => gzipSync(JSON.stringify(question))
  const told = await h.json(bulk, { method: 'POST', encoding: 'gzip', body })
  assert.deepEqual(told, { status: 200, tool: [] })
  assert.equal(h.upstream.asked[0]?.body, '{"tool":["1.0.0"]}')
  const bomb = async (): Promise<Uint8Array> => gzipSync(Buffer.alloc(64_000_000))
  assert.equal((await h.json(bulk, { method: 'POST', encoding: 'gzip', body: bomb })).status, 400)
})

test('login, publish and search are not offered', async (t) => {
  const h = await open(t)
  const statuses = await Promise.all([
    h.get('/-/user/org.couchdb.user:me', { method: 'PUT' }),
    h.get('/tool', { method: 'PUT' }),
    h.get('/tool/-rev/1', { method: 'DELETE' }),
    h.get('/-/v1/login', { method: 'POST' }),
    h.get('/-/v1/search?text=x'),
    h.get('/-/whoami'),
  ])
  assert.deepEqual(
    statuses.map(({ status }) => status),
    [405, 405, 405, 404, 404, 404],
  )
  assert.deepEqual(h.upstream.asked, [])
})

test('a packument that has not changed is not sent again', async (t) => {
  const h = await open(t)
  h.upstream.publish('tool', [{ version: '1.0.0' }])
  const { headers } = await h.get('/tool')
  const again = await h.get('/tool', { ifNoneMatch: headers['etag'] ?? '' })
  assert.deepEqual([again.status, again.body], [304, ''])
})

test('a registry that is slow with large packuments keeps none of another waiting', async (t) => {
  const asked = Promise.withResolvers<void>()
  let count = 0
  const slow = createServer((_, response) => {
    response.write('x'.repeat(1_100_000))
    if ((count += 1) === 3) asked.resolve()
  })
  slow.listen(0, '127.0.0.1')
  await once(slow, 'listening')
  t.after(() => slow.close().closeAllConnections())
  const url = `http://127.0.0.1:${(slow.address() as AddressInfo).port}/`
  const h = await open(t, () => ({
    maxPackumentBytes: 4_000_000,
    upstreamMs: 60_000,
    scopes: new Map([['@own', { url, target: { environment: 'e', service: 's' } }]]),
  }))
  h.upstream.publish('big', [{ version: '1.0.0', manifest: { text: 'x'.repeat(1_500_000) } }])
  const waiting = ['a', 'b', 'c'].map((name) => h.get(`/@own%2f${name}`))
  await asked.promise
  assert.equal((await h.get('/big')).status, 200)
  slow.closeAllConnections()
  for (const reply of waiting) assert.equal((await reply).status, 503)
})

test('a registry that is slow with tarballs keeps none of another waiting, and is left in time', async (t) => {
  const asked = Promise.withResolvers<void>()
  let count = 0
  let url = ''
  const integrity = `sha512-${Buffer.alloc(64).toString('base64')}`
  const slow = createServer(({ url: path = '' }, response) => {
    if (path.endsWith('.tgz')) {
      response.write('x'.repeat(10_000))
      if ((count += 1) === 8) asked.resolve()
      return
    }
    const name = decodeURIComponent(path.slice(1))
    const dist = { integrity, tarball: `${url}${name}/-/a-1.0.0.tgz` }
    const versions = { '1.0.0': { name, version: '1.0.0', dist } }
    response.end(JSON.stringify({ name, versions }))
  })
  slow.listen(0, '127.0.0.1')
  await once(slow, 'listening')
  t.after(() => slow.close().closeAllConnections())
  url = `http://127.0.0.1:${(slow.address() as AddressInfo).port}/`
  const h = await open(t, () => ({
    upstreamMs: 1500,
    scopes: new Map([['@own', { url, target: { environment: 'e', service: 's' } }]]),
  }))
  h.upstream.publish('a', [{ version: '1.0.0' }])
  const names = Array.from({ length: 9 }, (_, at) => `a${at}`)
  const waiting = names.map((name) => h.get(`/@own/${name}/-/${name}-1.0.0.tgz`))
  let left = 0
  for (const reply of waiting) void reply.then(() => (left += 1))
  await asked.promise
  assert.equal((await h.get('/a/-/a-1.0.0.tgz')).status, 200)
  assert.equal(left, 0)
  for (const reply of waiting) assert.equal((await reply).status, 503)
})

test('of tarballs only so many bytes are in memory at a time, and the others wait', async (t) => {
  const h = await open(t, () => ({ maxTarballBytes: 1000 }))
  const size = { waiting: 0, most: 0 }
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
  for (const name of names) h.upstream.publish(name, [{ version: '1.0.0' }])
  h.deciding = async () => {
    size.most = Math.max(size.most, (size.waiting += 1))
    await setTimeout(20)
    size.waiting -= 1
  }
  const get = () => Promise.all(names.map((name) => h.get(`/${name}/-/${name}-1.0.0.tgz`)))
  // The second time they are kept here.
  for (const replies of [await get(), await get()])
    assert.deepEqual(new Set(replies.map(({ status }) => status)), new Set([200]))
  assert.ok(size.most < names.length, `${size.most} at a time`)
  assert.equal(h.upstream.asked.filter(({ path }) => path.endsWith('.tgz')).length, names.length)
})

test('a large packument is asked for once, by all who want it at the same time', async (t) => {
  const h = await open(t, () => ({ maxPackumentBytes: 4_000_000 }))
  h.upstream.publish('big', [{ version: '1.0.0', manifest: { text: 'x'.repeat(2_500_000) } }])
  const accept = 'application/vnd.npm.install-v1+json'
  const urls = ['/big', '/big', '/big/-/big-1.0.0.tgz']
  const replies = await Promise.all(urls.map((url) => h.get(url, { accept })))
  const asked = h.upstream.asked.filter(({ path }) => path === '/big')
  assert.deepEqual([...replies.map(({ status }) => status), asked.length], [200, 200, 200, 1])
})

test('of large packuments only two are read at a time, and the others wait', async (t) => {
  const h = await open(t, () => ({ ...weekOld(), maxPackumentBytes: 4_000_000 }))
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  for (const name of names) {
    h.upstream.publish(name, [
      { version: '1.0.0', manifest: { text: 'x'.repeat(1_200_000) } },
      { version: '1.1.0', published: '2026-05-31T00:00:00Z' },
    ])
  }
  let now = 0
  let most = 0
  h.recording = async () => {
    most = Math.max(most, (now += 1))
    await setTimeout(30)
    now -= 1
  }
  const urls = names.flatMap((name) => [`/${name}`, `/${name}/-/${name}-1.0.0.tgz`])
  const replies = await Promise.all(urls.map((url) => h.get(url)))
  assert.deepEqual([...new Set(replies.map(({ status }) => status))], [200])
  assert.equal(most, 2)
})

test('others come between those who ask for a large packument, also while it is remembered', async (t) => {
  const h = await open(t, () => ({ maxPackumentBytes: 4_000_000 }))
  h.upstream.publish('big', [{ version: '1.0.0', manifest: { text: 'x'.repeat(1_500_000) } }])
  await h.get('/big')
  let others = 0
  const come = (): void => {
    others += 1
    immediate = setImmediate(come)
  }
  let immediate = setImmediate(come)
  t.after(() => clearImmediate(immediate))
  await Promise.all(Array.from({ length: 20 }, () => h.get('/big')))
  assert.ok(others >= 9, String(others))
})

test('what is larger than a packument may be is not read', async (t) => {
  const h = await open(t)
  h.upstream.publish('big', [{ version: '1.0.0', manifest: { text: 'x'.repeat(1_000_000) } }])
  const told = await h.json('/big')
  assert.deepEqual([told.status, /at most 1000000 bytes/.test(told.error ?? '')], [503, true])
})

test('only addresses of packages are addresses of packages', () => {
  for (const url of [
    '/..%2f..%2fetc/passwd',
    '/a/../b',
    '/.hidden',
    '/%00',
    '/%zz',
    '/a/-/b-1.0.0.tgz',
    '/a/-/a-1.0.0.tgz/x',
    '/a/-/a-..%2f..%2fx.tgz',
    '/a/-/a-.tgz',
    '/@a',
    '/@a/b/c',
    '/',
    '//h/x',
    `/${'a'.repeat(300)}`,
  ]) {
    assert.equal(npmRouteOf('GET', url).kind, 'other', url)
  }
  assert.equal(npmRouteOf('GET', '/@a%2fb?write=true').kind, 'packument')
  assert.equal(npmRouteOf('GET', '/a/-/a-1.0.0%2bbuild.tgz').kind, 'tarball')
})

test('a tarball of a registry below a path is that of the same name and version', () => {
  for (const [url, full] of [
    ['/api/npm/npm-local/good/-/good-1.0.0.tgz', 'good'],
    ['/repository/npm/@a/good/-/good-1.0.0.tgz', '@a/good'],
    ['/api/npm/npm/@a%2fgood/-/@a/good-1.0.0.tgz', '@a/good'],
    ['/api/v4/projects/1/-/npm/@a/good/-/@a/good-1.0.0.tgz', '@a/good'],
  ] as const) {
    const route = npmRouteOf('GET', url)
    assert.ok(route.kind === 'tarball', url)
    assert.deepEqual([route.name.full, route.version], [full, '1.0.0'])
  }
  for (const url of ['/x/@a/good/-/@b/good-1.0.0.tgz', '/x/good', '/good/other/-/good-1.0.0.tgz']) {
    assert.equal(npmRouteOf('GET', url).kind, 'other', url)
  }
})
