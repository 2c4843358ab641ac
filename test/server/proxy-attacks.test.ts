// Done-when 5 of the fourth issue, for what people pull and install through: a registry that is hostile, and clients that are.
import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { after, before, test } from 'node:test'
import { asDeployer, sendRaw, startAllRoles, statusesIn, type AllRoles } from './all-roles.ts'
import { call, tokens } from './gate.ts'

let all: AllRoles
/** What the registry behind both proxies answers; and what it was asked. */
let answer: (request: IncomingMessage, response: ServerResponse) => void
const asked: string[] = []
before(async () => {
  all = await startAllRoles((request, response) => {
    asked.push(request.url ?? '')
    answer(request, response)
  })
})
after(async () => {
  await all.close()
})

const nothing = (_: IncomingMessage, response: ServerResponse) => response.writeHead(404).end()
const image = '/v2/registry.example/acme/shop'
const pull = (path: string) => call(all.addresses.oci, path, { as: 'deployer' })
const install = (path: string) => call(all.addresses.npm, path, { as: 'deployer' })

/** The addresses of a cloud's metadata and of nobody, in the spellings that a URL has for them. */
const forbidden = [
  'https://169.254.169.254/latest/meta-data/',
  'https://2852039166/',
  'https://0xa9.0xfe.0xa9.0xfe/',
  'https://[::ffff:169.254.169.254]/',
  'https://[fd00:ec2::254]/',
  'https://[64:ff9b::a9fe:a9fe]/',
  'https://100.100.100.200/',
  'https://0.0.0.0/',
  'https://[::]/',
]

test('a registry sends the gate to no forbidden address: for a token, by a redirect, by a page', async () => {
  for (const place of forbidden) {
    const ways: (typeof answer)[] = [
      (_, response) =>
        response.writeHead(401, { 'www-authenticate': `Bearer realm="${place}"` }).end(),
      (_, response) => response.writeHead(302, { location: place }).end(),
      (_, response) => response.writeHead(307, { location: place }).end(),
    ]
    for (const way of ways) {
      answer = way
      for (const path of ['/manifests/latest', '/tags/list', `/referrers/sha256:${hex}`]) {
        const response = await pull(`${image}${path}`)
        const text = await response.text()
        assert.equal(response.status, 502, text)
        assert.match(text, /which is not allowed there/)
      }
      const { status } = await install('/tool')
      assert.equal(status, 503)
    }
  }
})
const hex = 'ab'.repeat(32)

test('a registry gets neither files nor other protocols read, and no password in an address', async () => {
  for (const place of ['file:///etc/passwd', 'ftp://127.0.0.1/', 'data:,x', 'gopher://x/']) {
    for (const status of [301, 302, 303, 307, 308]) {
      answer = (_, response) => response.writeHead(status, { location: place }).end()
      const response = await pull(`${image}/manifests/latest`)
      assert.equal(response.status, 502)
      assert.doesNotMatch(await response.text(), /root:/)
      assert.equal((await install('/tool')).status, 503)
    }
    answer = (_, response) =>
      response.writeHead(401, { 'www-authenticate': `Bearer realm="${place}"` }).end()
    assert.equal((await pull(`${image}/manifests/latest`)).status, 502)
  }
  answer = (_, response) =>
    response
      .writeHead(401, {
        'www-authenticate': `Bearer realm="${all.upstream.replace('//', '//a:b@')}"`,
      })
      .end()
  assert.equal((await pull(`${image}/manifests/latest`)).status, 502)
})

test('no name, tag, digest or version leads to another address of the registry', async () => {
  answer = nothing
  asked.length = 0
  const up = ['..', '%2e%2e', '%2E%2e', '.%2e', '%252e%252e', '..%2f', '%2f', '%5c', '..%5c', '%00']
  const odd = [
    '\u00e9',
    '%e2%80%ae',
    '%ff',
    'a@b',
    'a:80',
    '%3f',
    '%23',
    ';x',
    '%0d%0aX:%20y',
    '_catalog',
  ]
  for (const part of [...up, ...odd]) {
    const paths = [
      `/v2/registry.example/acme/${part}/manifests/latest`,
      `/v2/registry.example/acme/shop/${part}/blobs/sha256:${hex}`,
      `/v2/${part}/acme/shop/manifests/latest`,
      `/v2/acme/shop/manifests/latest?ns=${part}`,
      `/v2/acme/${part}/manifests/latest?ns=registry.example`,
      `${image}/manifests/${part}`,
      `${image}/manifests/sha256:${part}`,
      `${image}/blobs/sha256:${part}`,
      `${image}/blobs/${part}`,
      `${image}/referrers/sha256:${part}`,
    ]
    for (const path of paths) await refused(all.addresses.oci, path)
    const packages = [
      `/${part}/tool`,
      `/@${part}/tool`,
      `/@acme%2f${part}`,
      `/@acme%2f${part}%2ftool`,
      `/tool/-/tool-${part}.tgz`,
      `/tool/-/${part}/tool-1.0.0.tgz`,
      `/tool/${part}/-/tool-1.0.0.tgz`,
    ]
    for (const path of packages) await refused(all.addresses.npm, path)
  }
  // What has the form of a name was asked for, below the place of the registry, and nothing else was.
  for (const url of asked) {
    assert.match(
      url,
      /^(?:\/v2\/[a-z0-9/._-]+\/(?:manifests\/[\w.-]+|tags\/list.*)|\/(?:@[\w~.-]+%2f)?[\w~.-]+)$/,
    )
    assert.doesNotMatch(url, /\.\.|%2e|\\|%5c/i)
  }
})

async function refused(address: string, path: string): Promise<void> {
  const request = `GET ${path} HTTP/1.1\r\nHost: gate\r\n${asDeployer}Connection: close\r\n\r\n`
  const statuses = statusesIn(await sendRaw(address, request))
  assert.ok(
    statuses.length === 1 && [400, 403, 404].includes(statuses[0] ?? 0),
    `${path} ${String(statuses)}`,
  )
}

test('what a registry says in headers goes no further, and no header is made of what it says', async () => {
  const bytes = JSON.stringify({ schemaVersion: 2, mediaType: 'a/b\r\nX-Made: yes', layers: [] })
  answer = (_, response) =>
    response
      .writeHead(200, {
        'content-type': 'text/html',
        'set-cookie': 'a=b',
        link: '<https://elsewhere.example/?last=x>; rel="next"',
        'x-made': 'yes',
      })
      .end(bytes)
  const manifest = await pull(`${image}/manifests/latest`)
  assert.equal(manifest.status, 403)
  answer = (_, response) =>
    response
      .writeHead(200, {
        link: '<https://elsewhere.example/?last=1.0>; rel="next"',
        'x-made': 'yes',
      })
      .end('{"tags": ["1.0", "a\\r\\nb"]}')
  const odd = await pull(`${image}/tags/list`)
  assert.equal(odd.status, 502)
  answer = (_, response) =>
    response
      .writeHead(200, { link: '<https://elsewhere.example/?last=1.0&n=5>; rel="next"' })
      .end('{"tags": ["1.0"]}')
  const tags = await pull(`${image}/tags/list`)
  assert.equal(tags.headers.get('link'), `<${image}/tags/list?n=5&last=1.0>; rel="next"`)
  for (const { headers } of [manifest, odd, tags]) {
    assert.equal(headers.get('x-made'), null)
    assert.equal(headers.get('set-cookie'), null)
  }
})

test('tarballs lie where the host of the request says only when that is the name of a host', async () => {
  answer = (_, response) =>
    response.end(
      JSON.stringify({
        name: 'tool',
        'dist-tags': { latest: '1.0.0' },
        versions: {
          '1.0.0': {
            name: 'tool',
            version: '1.0.0',
            dist: {
              tarball: `${all.upstream}/tool/-/tool-1.0.0.tgz`,
              integrity: `sha512-${Buffer.alloc(64).toString('base64')}`,
            },
          },
        },
      }),
    )
  const ask = (host: string) =>
    sendRaw(
      all.addresses.npm,
      `GET /tool HTTP/1.1\r\nHost: ${host}\r\nX-Forwarded-Host: elsewhere.example\r\nForwarded: host=elsewhere.example\r\n${asDeployer}Connection: close\r\n\r\n`,
    )
  assert.match(
    await ask('npm.example:4873'),
    /"tarball":"http:\/\/npm\.example:4873\/tool\/-\/tool-1\.0\.0\.tgz"/,
  )
  for (const host of ['evil"}', 'a@b', 'a/b', 'a?b', '[x]', 'a b']) {
    const said = await ask(host)
    assert.deepEqual(statusesIn(said), [400])
    assert.doesNotMatch(said, /tarball/)
  }
})

test('no token, query or body is in the journal, and no row of the metrics is made by who asks', async () => {
  answer = (_, response) => response.writeHead(500).end('hunter2 of the registry')
  for (const { url } of [
    { url: `${all.addresses.oci}${image}/manifests/latest?access_token=${tokens.viewer}&hunter2` },
    { url: `${all.addresses.npm}/tool?access_token=${tokens.viewer}&hunter2` },
  ]) {
    for (const authorization of [
      `Bearer ${tokens.deployer}`,
      `Bearer hunter2`,
      `Basic ${btoa('a:hunter2')}`,
    ])
      await (await fetch(url, { headers: { authorization } })).text()
  }
  for (let number = 0; number < 20; number += 1) {
    await pull(`/v2/registry.example/acme/made-${number}/manifests/latest`)
    await pull(`/v2/made-${number}`)
    await install(`/made-${number}`)
    await install(`/-/made/${number}`)
  }
  for (const line of all.gate.journal) assert.doesNotMatch(line, /hunter2|token-of|access_token/)
  const metrics = await (await call(all.gate.address, '/metrics', { as: 'operator' })).text()
  assert.doesNotMatch(metrics, /made/)
  const labels = [...metrics.matchAll(/route="([^"]*)"/g)].map(([, route]) => route)
  assert.ok(new Set(labels).size < 16, [...new Set(labels)].join())
})

test('hundreds of clients without a token do not fill the journal', async () => {
  const before = all.gate.journal.length
  for (let number = 0; number < 50; number += 1)
    await call(all.addresses.oci, `${image}/manifests/${number}`)
  assert.equal(all.gate.journal.length, before)
})
