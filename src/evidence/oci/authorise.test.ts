import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, test } from 'node:test'
import { openHttp } from '../http/client.ts'
import { anonymous, type Credential } from './credentials.ts'
import { findInRegistry } from './find.ts'
import { openUpstream } from './upstream.ts'

const closing: (() => void)[] = []
const reference = `acme/shop@sha256:${'ab'.repeat(32)}`

afterEach(() => {
  for (const close of closing.splice(0)) close()
})

test('an identity token is posted to the token server, and never to the registry', async () => {
  const seen: string[] = []
  const tokens = await serve(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    seen.push(`token ${request.method} ${body}`)
    response.end('{"access_token":"given"}')
  })
  const host = await serve(({ headers }, response) => {
    seen.push(`registry ${headers.authorization ?? ''}`)
    if (headers.authorization === 'Bearer given') response.writeHead(404).end()
    else challenge(response, `Bearer realm="http://${tokens}/t",service="s"`)
  })
  const { sources } = await find(host, { kind: 'identity', token: 'refresh' })
  assert.ok(sources.every(({ outcome }) => outcome === 'absent'))
  const posted = seen.filter((line) => line.startsWith('token'))
  assert.equal(posted.length, 1)
  assert.match(
    posted[0] ?? '',
    /POST grant_type=refresh_token.*refresh_token=refresh.*scope=repository%3Aacme%2Fshop%3Apull/,
  )
  assert.ok(
    seen.filter((line) => line.startsWith('registry')).every((line) => !line.includes('refresh')),
  )
})

test('what is asked for is leave to read, whatever the registry suggests', async () => {
  let asked = ''
  const tokens = await serve(({ url = '' }, response) => {
    asked = url
    response.end('{"token":"given"}')
  })
  const host = await serve(({ headers }, response) => {
    if (headers.authorization === 'Bearer given') response.writeHead(404).end()
    else challenge(response, `Bearer realm="http://${tokens}/t",scope="repository:acme/other:push"`)
  })
  await find(host)
  assert.equal(asked, '/t?scope=repository%3Aacme%2Fshop%3Apull')
})

for (const [says, realm] of Object.entries({
  'the metadata service': 'http://169.254.169.254/token',
  'another host without TLS': 'http://tokens.example/token',
  'a file': 'file:///etc/passwd',
  'an address with a password': 'http://a:b@127.0.0.1/token',
  nothing: '',
})) {
  test(`a registry that sends for its token to ${says} is an outage`, async () => {
    const host = await serve((_request, response) => challenge(response, `Bearer realm="${realm}"`))
    const credential = { kind: 'basic', username: 'robot', password: 'topsecret' } as const
    const evidence = await find(host, credential)
    assert.ok(evidence.sources.every(({ outcome }) => outcome === 'unavailable'))
    assert.doesNotMatch(JSON.stringify(evidence), /topsecret/)
  })
}

test('a token server that gives none, an endless one, or one that is no token, is an outage', async () => {
  for (const body of [
    '{}',
    'garbage',
    '{"token":"a b\\r\\nx: y"}',
    `{"token":"${'x'.repeat(20_000)}"}`,
  ]) {
    const tokens = await serve((_request, response) => response.end(body))
    const host = await serve((_request, response) =>
      challenge(response, `Bearer realm="http://${tokens}/t"`),
    )
    const { sources } = await find(host)
    for (const { outcome, detail } of sources) {
      assert.equal(outcome, 'unavailable')
      assert.match(detail ?? '', /a token to read with/)
    }
  }
})

test('a registry that asks for ever is asked twice, and a token is fetched once for all places', async () => {
  let tokens = 0
  let asked = 0
  const server = await serve((_request, response) => {
    tokens += 1
    response.end('{"token":"given"}')
  })
  const host = await serve((_request, response) => {
    asked += 1
    challenge(response, `Bearer realm="http://${server}/t"`)
  })
  const { sources } = await find(host)
  assert.ok(sources.every(({ outcome }) => outcome === 'unavailable'))
  assert.ok(asked <= 12 && tokens <= 2, `${asked} requests, ${tokens} tokens`)
})

test('who goes away while a token is fetched takes it from nobody else', async () => {
  const asked = Promise.withResolvers<void>()
  const given = Promise.withResolvers<void>()
  const tokens = await serve(async (_request, response) => {
    asked.resolve()
    await given.promise
    response.end('{"token":"given"}')
  })
  const upstream = upstreamAt(await serve(givenOnly(tokens)))
  const gone = new AbortController()
  const first = upstream.repository('acme/shop', gone.signal).tags({})
  await asked.promise
  const second = upstream.repository('acme/shop', new AbortController().signal).tags({})
  gone.abort()
  await assert.rejects(first, { code: 'EVIDENCE_SOURCE_UNAVAILABLE' })
  given.resolve()
  assert.deepEqual((await second)?.tags, ['1.0'])
})

test('a token that could not be had is asked for anew by the next, and one that was had is kept', async () => {
  let asked = 0
  const tokens = await serve((_request, response) => {
    asked += 1
    response.writeHead(asked === 1 ? 500 : 200).end('{"token":"given"}')
  })
  const upstream = upstreamAt(await serve(givenOnly(tokens)))
  const read = () => upstream.repository('acme/shop', new AbortController().signal).tags({})
  await assert.rejects(read(), { code: 'EVIDENCE_SOURCE_UNAVAILABLE', found: 'status 500' })
  for (let count = 0; count < 2; count += 1) assert.deepEqual((await read())?.tags, ['1.0'])
  assert.equal(asked, 2)
})

test('who is gone already does not wait for a token', async () => {
  const host = await serve(() => assert.fail())
  const never = new Promise<string>(() => undefined)
  const tokens = new Map([[`http://${host}/v2/acme/shop`, never]])
  const repository = upstreamAt(host, tokens).repository('acme/shop', AbortSignal.abort())
  await assert.rejects(repository.tags({}), { code: 'EVIDENCE_SOURCE_UNAVAILABLE' })
})

test('a 401 behind a redirect gets no credentials', async () => {
  let authorized = ''
  const other = await serve(({ headers }, response) => {
    authorized += headers.authorization ?? ''
    challenge(response, 'Basic realm="x"')
  })
  const host = await serve(({ url }, response) =>
    response.writeHead(307, { location: `http://${other}${url}` }).end(),
  )
  const credential = { kind: 'basic', username: 'robot', password: 'topsecret' } as const
  const { sources } = await find(host, credential)
  assert.ok(sources.every(({ outcome }) => outcome === 'unavailable'))
  assert.match(sources[0]?.detail ?? '', /401 behind a redirect/)
  assert.equal(authorized, '')
})

function find(host: string, credential?: Credential) {
  return findInRegistry(`${host}/${reference}`, {
    registries: [host],
    credentials: { find: () => Promise.resolve(credential) },
    timeoutMs: 5_000,
  })
}

function upstreamAt(host: string, tokens = new Map<string, Promise<string>>()) {
  const http = openHttp()
  closing.push(() => http.close())
  return openUpstream(new URL(`http://${host}`), { http, credentials: anonymous, tokens })
}

/** A registry with one tag, for who has what a token server gives. */
function givenOnly(tokens: string) {
  return ({ headers }: IncomingMessage, response: ServerResponse) => {
    if (headers.authorization === 'Bearer given') return response.end('{"tags":["1.0"]}')
    return challenge(response, `Bearer realm="http://${tokens}/t"`)
  }
}

function challenge(response: ServerResponse, how: string): void {
  response.writeHead(401, { 'www-authenticate': how }).end()
}

async function serve(
  handle: (request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<string> {
  const server = createServer((request, response) => void handle(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}
