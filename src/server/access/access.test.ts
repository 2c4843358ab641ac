import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { before, test } from 'node:test'
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose'
import { SallyportError } from '#error'
import { openAccess } from './access.ts'
import type { AccessSettings, OidcIssuer } from './settings.ts'

const now = new Date('2026-06-01T00:00:00Z')
const issuer = 'https://issuer.example'
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

let key: CryptoKey
let jwks = ''
before(async () => {
  const pair = await generateKeyPair('ES256', { extractable: true })
  key = pair.privateKey
  jwks = JSON.stringify({
    keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'k', alg: 'ES256' }],
  })
})

function requestWith(authorization?: string): IncomingMessage {
  return { headers: { authorization }, socket: {} } as unknown as IncomingMessage
}

function accessOf(more: Partial<AccessSettings> = {}, clock = now) {
  return openAccess({ tokens: [], certificates: [], oidc: [], ...more }, () => clock)
}

const tokens = [
  { name: 'ci', sha256: sha256('secret-1'), roles: ['deployer'], expires: new Date('2026-07-01Z') },
  {
    name: 'old',
    sha256: sha256('secret-2'),
    roles: ['operator'],
    expires: new Date('2026-05-01Z'),
  },
] as const

test('a token is somebody, with the roles of its grant and no others', async () => {
  const access = accessOf({ tokens })
  const principal = await access.require(requestWith('Bearer secret-1'), ['deployer'])
  assert.equal(principal.name, 'token:ci')
  await assert.rejects(access.require(requestWith('Bearer secret-1'), ['operator']), {
    code: 'ACCESS_FORBIDDEN',
  })
})

test('no token, a wrong one, an old one and nonsense are nobody', async () => {
  const access = accessOf({ tokens })
  const texts = [
    undefined,
    'Bearer nope',
    'Bearer secret-2',
    'Basic c2VjcmV0LTE=',
    'Bearer a b',
    'Bearer ',
  ]
  for (const text of [...texts, `Bearer ${'a'.repeat(20_000)}`, `Bearer ${sha256('secret-1')}`]) {
    await assert.rejects(access.require(requestWith(text), ['operator', 'deployer']), {
      code: 'ACCESS_UNAUTHENTICATED',
    })
  }
})

function issuerOf(more: Partial<OidcIssuer> = {}): OidcIssuer {
  const grants = [{ claims: { sub: 'repo:acme/shop', ref: 'main' }, roles: ['deployer'] as const }]
  return { issuer, audience: 'sallyport', keys: { json: jwks }, grants, ...more }
}

async function tokenOf(claims: Record<string, unknown> = {}, header: object = {}): Promise<string> {
  const seconds = now.getTime() / 1000
  return new SignJWT({
    iss: issuer,
    aud: 'sallyport',
    sub: 'repo:acme/shop',
    ref: 'main',
    exp: seconds + 600,
    ...claims,
  })
    .setProtectedHeader({ alg: 'ES256', kid: 'k', ...header })
    .sign(key)
}

test('a token of an issuer is who it says, when every claim of a grant is there', async () => {
  const access = accessOf({ oidc: [issuerOf()] })
  const principal = await access.require(requestWith(`Bearer ${await tokenOf()}`), ['deployer'])
  assert.equal(principal.name, `oidc:${issuer}#repo:acme/shop`)
})

test('one issuer may stand there twice, with two audiences and what each may do', async () => {
  const other = issuerOf({
    audience: 'operations',
    grants: [{ claims: { ref: 'main' }, roles: ['operator'] }],
  })
  const access = accessOf({ oidc: [issuerOf(), other] })
  const of = async (aud: string | readonly string[]) =>
    requestWith(`Bearer ${await tokenOf({ aud })}`)
  assert.deepEqual(
    [...(await access.require(await of('sallyport'), ['deployer'])).roles],
    ['deployer'],
  )
  assert.deepEqual(
    [...(await access.require(await of('operations'), ['operator'])).roles],
    ['operator'],
  )
  await assert.rejects(access.require(await of('operations'), ['deployer']), {
    code: 'ACCESS_FORBIDDEN',
  })
})

test('a subject that is no text is nobody: many of them would have one name', async () => {
  const grants = [{ claims: { ref: 'main' }, roles: ['deployer'] as const }]
  const access = accessOf({ oidc: [issuerOf({ grants })] })
  for (const sub of [{ a: 1 }, ['a'], 7, '', 'jo\ud83d']) {
    const request = requestWith(`Bearer ${await tokenOf({ sub })}`)
    await assert.rejects(access.require(request, ['deployer']), { code: 'ACCESS_UNAUTHENTICATED' })
  }
})

test('a token for somebody else, of somebody else, too old, not yet valid or with other claims is nobody', async () => {
  const access = accessOf({ oidc: [issuerOf()] })
  const seconds = now.getTime() / 1000
  const wrong = [
    { aud: 'another' },
    { iss: 'https://issuer.example.evil' },
    { exp: seconds - 60 },
    { exp: undefined },
    { nbf: seconds + 60 },
    { sub: 'repo:acme/shop-evil' },
    { ref: undefined },
    { ref: ['other'] },
  ]
  for (const claims of wrong) {
    const request = requestWith(`Bearer ${await tokenOf(claims)}`)
    await assert.rejects(access.require(request, ['deployer']), { code: 'ACCESS_UNAUTHENTICATED' })
  }
})

test('who sends a token of an issuer that is not known is told which one it names', async () => {
  const access = accessOf({ oidc: [issuerOf()] })
  const foundFor = async (claims: Record<string, unknown>) => {
    const request = requestWith(`Bearer ${await tokenOf(claims)}`)
    const error = await access.require(request, ['deployer']).catch((cause: unknown) => cause)
    assert.ok(error instanceof SallyportError)
    assert.equal(error.code, 'ACCESS_UNAUTHENTICATED')
    return error.found
  }
  assert.equal(await foundFor({ iss: `${issuer}/` }), `one of "${issuer}/"`)
  for (const claims of [{ aud: 'another' }, { iss: undefined }, { iss: 7 }, { iss: [issuer] }])
    assert.equal(await foundFor(claims), 'none that is valid')
  assert.ok((await foundFor({ iss: 'x'.repeat(9000) })).length < 500)
})

test('a token without signature, or signed with a shared secret, is nobody', async () => {
  const access = accessOf({ oidc: [issuerOf()] })
  const [, payload] = (await tokenOf()).split('.')
  const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`
  const shared = await new SignJWT({ sub: 'repo:acme/shop', ref: 'main' })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer(issuer)
    .setAudience('sallyport')
    .setExpirationTime('1h')
    .sign(Buffer.from(jwks))
  for (const token of [none, shared]) {
    await assert.rejects(access.require(requestWith(`Bearer ${token}`), ['deployer']), {
      code: 'ACCESS_UNAUTHENTICATED',
    })
  }
})

test('a key that is not for verifying proves nobody, wherever it comes from', async () => {
  const { keys } = JSON.parse(jwks) as { readonly keys: readonly object[] }
  for (const purpose of [{ use: 'enc' }, { key_ops: ['sign'] }, { key_ops: [] }]) {
    const body = JSON.stringify({ keys: keys.map((one) => ({ ...one, ...purpose })) })
    const { server, url } = await startIssuer((_, response) => response.end(body))
    const request = requestWith(`Bearer ${await tokenOf()}`)
    for (const from of [{ json: body }, { url }])
      await assert.rejects(
        accessOf({ oidc: [issuerOf({ keys: from })] }).require(request, ['deployer']),
        { code: 'ACCESS_UNAUTHENTICATED' },
      )
    server.close()
    server.closeAllConnections()
  }
})

test('an issuer whose keys cannot be fetched is an outage, not a no', async () => {
  const server = createServer((_, response) => response.writeHead(500).end())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const access = accessOf({ oidc: [issuerOf({ keys: { url: `http://127.0.0.1:${port}/` } })] })
  const request = requestWith(`Bearer ${await tokenOf()}`)
  await assert.rejects(access.require(request, ['deployer']), { code: 'SERVER_UNAVAILABLE' })
  server.close()
})

async function startIssuer(answer: RequestListener): Promise<{ server: Server; url: string }> {
  const server = createServer(answer).unref()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` }
}

test('keys that never end, or lie elsewhere, are an outage, and little of them is read', async () => {
  let sent = 0
  let elsewhere = 0
  const other = await startIssuer((_, response) => {
    elsewhere += 1
    response.end(jwks)
  })
  const endless: RequestListener = (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.write('{"keys": [')
    const more = (): void => {
      while (!response.destroyed && sent < 64_000_000) {
        sent += 65_536
        if (!response.write(' '.repeat(65_536))) return void response.once('drain', more)
      }
    }
    more()
  }
  const answers: RequestListener[] = [
    endless,
    (_, response) => response.writeHead(302, { location: other.url }).end(),
    (_, response) => response.end('[1'),
    (_, response) => response.end('{"keys": 7}'),
  ]
  for (const answer of answers) {
    const { server, url } = await startIssuer(answer)
    const access = accessOf({ oidc: [issuerOf({ keys: { url } })] })
    const request = requestWith(`Bearer ${await tokenOf()}`)
    await assert.rejects(access.require(request, ['deployer']), { code: 'SERVER_UNAVAILABLE' })
    server.close()
    server.closeAllConnections()
  }
  other.server.close()
  assert.equal(elsewhere, 0)
  assert.ok(sent < 32_000_000, `${sent} bytes were taken`)
})

test('tokens with made-up key ids do not make the gate ask the issuer each time', async () => {
  let asked = 0
  const { server, url } = await startIssuer((_, response) => {
    asked += 1
    response.end(jwks)
  })
  const access = accessOf({ oidc: [issuerOf({ keys: { url } })] })
  for (let kid = 0; kid < 20; kid += 1) {
    const request = requestWith(`Bearer ${await tokenOf({}, { kid: `../${kid}` })}`)
    await assert.rejects(access.require(request, ['deployer']), { code: 'ACCESS_UNAUTHENTICATED' })
  }
  server.close()
  server.closeAllConnections()
  assert.ok(asked <= 2, `${asked} times`)
})

test('a token that brings its own key, or is issued in the future, is nobody', async () => {
  const access = accessOf({ oidc: [issuerOf()] })
  const own = await generateKeyPair('ES256', { extractable: true })
  const jwk = await exportJWK(own.publicKey)
  const made = async (header: object, by: CryptoKey, claims: object = {}): Promise<string> =>
    new SignJWT({ iss: issuer, aud: 'sallyport', sub: 'repo:acme/shop', ref: 'main', ...claims })
      .setExpirationTime(now.getTime() / 1000 + 600)
      .setProtectedHeader({ alg: 'ES256', kid: 'k', ...header })
      .sign(by)
  const tokensOfNobody = [
    await made({ jwk }, own.privateKey),
    await made({ jku: 'http://127.0.0.1:1/' }, own.privateKey),
    await made({ x5u: 'file:///etc/passwd' }, own.privateKey),
    await made({}, key, { iat: now.getTime() / 1000 + 3600 }),
    await made({}, key, { iat: 'yesterday' }),
  ]
  for (const token of tokensOfNobody) {
    const request = requestWith(`Bearer ${token}`)
    await assert.rejects(access.require(request, ['deployer']), { code: 'ACCESS_UNAUTHENTICATED' })
  }
  const good = await made({}, key, { iat: now.getTime() / 1000 + 10 })
  await access.require(requestWith(`Bearer ${good}`), ['deployer'])
})
