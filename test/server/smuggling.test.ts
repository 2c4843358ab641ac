// Done-when 5 of the fourth issue: what a proxy in front could read in another way than the gate. On everything that listens.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { asDeployer, listening, sendRaw, startAllRoles, statusesIn } from './all-roles.ts'
import type { AllRoles } from './all-roles.ts'

let all: AllRoles
before(async () => {
  all = await startAllRoles((_, response) => response.writeHead(404).end())
})
after(async () => {
  await all.close()
})

/** An address at each that answers 200 to a deployer, and 401 to nobody. */
const paths = { gate: '/api/v1/targets', oci: '/v2/', npm: '/-/ping' } as const
const host = 'Host: gate\r\n'
const close = 'Connection: close\r\n'
const hidden = `GET /healthz HTTP/1.1\r\n${host}\r\n`

/** Each has to be answered 400, or not at all; a request within a request never. */
const ambiguous: Readonly<Record<string, (path: string) => string>> = {
  'two kinds of length': (path) =>
    `POST ${path} HTTP/1.1\r\n${host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
  'one length twice': (path) =>
    `POST ${path} HTTP/1.1\r\n${host}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello${hidden}`,
  'a list of lengths': (path) =>
    `POST ${path} HTTP/1.1\r\n${host}Content-Length: 5, 5\r\n\r\nhello${hidden}`,
  'chunks in HTTP/1.0': (path) =>
    `POST ${path} HTTP/1.0\r\n${host}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
  'a folded header': (path) =>
    `GET ${path} HTTP/1.1\r\n${host}X: a\r\n b: c\r\n${asDeployer}\r\n${hidden}`,
  'a folded encoding': (path) =>
    `POST ${path} HTTP/1.1\r\n${host}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n${hidden}`,
  'bare line feeds': (path) => `GET ${path} HTTP/1.1\n${host}\n${hidden}`,
  'a bare carriage return': (path) => `GET ${path} HTTP/1.1\r\n${host}X: a\rb: c\r\n\r\n${hidden}`,
  'a null character': (path) => `GET ${path} HTTP/1.1\r\n${host}X: a\0b\r\n\r\n${hidden}`,
  'tabs in the first line': (path) => `GET\t${path}\tHTTP/1.1\r\n${host}\r\n${hidden}`,
  'another version': (path) => `GET ${path} HTTP/1.9\r\n${host}\r\n${hidden}`,
  'HTTP/0.9': (path) => `GET ${path}\r\n\r\n`,
  'HTTP/2 in the clear': () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'another host in the first line': (path) =>
    `GET http://elsewhere.example${path} HTTP/1.1\r\n${host}${asDeployer}${close}\r\n`,
  'a file in the first line': () =>
    `GET file:///etc/passwd HTTP/1.1\r\n${host}${asDeployer}${close}\r\n`,
  'no path': () => `OPTIONS * HTTP/1.1\r\n${host}${asDeployer}${close}\r\n`,
  'a fragment': (path) => `GET ${path}#x HTTP/1.1\r\n${host}${asDeployer}${close}\r\n`,
  'a backslash': (path) => `GET /x\\..${path} HTTP/1.1\r\n${host}${asDeployer}${close}\r\n`,
  dots: (path) => `GET /healthz/..${path} HTTP/1.1\r\n${host}${asDeployer}${close}\r\n`,
  'dots that are written otherwise': (path) =>
    `GET /healthz/%2e%2E${path} HTTP/1.1\r\n${host}${asDeployer}${close}\r\n`,
  'characters of no address': (path) =>
    `GET ${path}\u00e9 HTTP/1.1\r\n${host}${asDeployer}${close}\r\n`,
  'two hosts': (path) => `GET ${path} HTTP/1.1\r\n${host}${host}${asDeployer}${close}\r\n`,
  'no host': (path) => `GET ${path} HTTP/1.1\r\n${asDeployer}${close}\r\n`,
  'an empty host': (path) => `GET ${path} HTTP/1.1\r\nHost:\r\n${asDeployer}${close}\r\n`,
  'a host with a path': (path) =>
    `GET ${path} HTTP/1.1\r\nHost: a/b?c@d\r\n${asDeployer}${close}\r\n`,
  'two tokens, the good one first': (path) =>
    `GET ${path} HTTP/1.1\r\n${host}${asDeployer}Authorization: Bearer other\r\n${close}\r\n`,
  'two tokens, the good one last': (path) =>
    `GET ${path} HTTP/1.1\r\n${host}Authorization: Bearer other\r\n${asDeployer}${close}\r\n`,
}

for (const what of listening) {
  test(`${what}: what two servers could read in two ways is refused, and nothing within it is answered`, async () => {
    for (const [name, request] of Object.entries(ambiguous)) {
      const answer = await sendRaw(all.addresses[what], request(paths[what]))
      assert.deepEqual(statusesIn(answer), [400], `${name}: ${answer.slice(0, 300)}`)
    }
  })

  test(`${what}: each request of a connection proves anew who asks`, async () => {
    const first = `GET ${paths[what]} HTTP/1.1\r\n${host}${asDeployer}\r\n`
    const second = `GET ${paths[what]} HTTP/1.1\r\n${host}${close}\r\n`
    const answer = await sendRaw(all.addresses[what], first + second)
    assert.deepEqual(statusesIn(answer), [200, 401])
  })

  test(`${what}: a body where there should be none is no request`, async () => {
    const length = `Content-Length: ${hidden.length}\r\n`
    const request = `GET ${paths[what]} HTTP/1.1\r\n${host}${asDeployer}${length}${close}\r\n${hidden}`
    assert.deepEqual(statusesIn(await sendRaw(all.addresses[what], request)), [200])
  })

  test(`${what}: no tunnel, no other protocol, and headers that are bounded`, async () => {
    const at = all.addresses[what]
    assert.equal(
      await sendRaw(at, `CONNECT elsewhere:443 HTTP/1.1\r\n${host}${asDeployer}\r\n`),
      '',
    )
    const upgrade = `Connection: Upgrade, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n`
    const upgraded = await sendRaw(at, `GET ${paths[what]} HTTP/1.1\r\n${host}${upgrade}\r\n`)
    assert.deepEqual(statusesIn(upgraded), [401])
    const many = Array.from({ length: 150 }, (_, index) => `X-${index}: a\r\n`).join('')
    const large = `X: ${'x'.repeat(40_000)}\r\n`
    for (const more of [many, large]) {
      const answer = await sendRaw(at, `GET ${paths[what]} HTTP/1.1\r\n${more}${host}\r\n`)
      assert.deepEqual(statusesIn(answer), [431])
    }
  })
}

test('HTTP/1.0 without a host, as health checks speak it, is answered', async () => {
  const health = await sendRaw(all.addresses.gate, 'GET /healthz HTTP/1.0\r\n\r\n')
  assert.match(health, /^HTTP\/1\.1 200 .*ok\n$/s)
  const targets = `GET ${paths.gate} HTTP/1.0\r\n${asDeployer}\r\n`
  assert.deepEqual(statusesIn(await sendRaw(all.addresses.gate, targets)), [200])
})

test('none of it looks like a failure of the gate', () => {
  const failures = all.gate.journal.filter((line) => line.includes('"level":"error"'))
  assert.deepEqual(failures, [])
})
