import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer as createPlainServer } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { findInRegistry } from '../oci/find.ts'
import { startTestRegistry, type TestRegistry } from '../testing/registry.ts'
import { openHttp, type HttpOptions } from './client.ts'

const hasNone = spawnSync('openssl', ['version']).error !== undefined
const skip = hasNone && 'skipped: no openssl to make a certificate with'
const reference = `acme/shop@sha256:${'ab'.repeat(32)}`
let registry: TestRegistry
let cert = ''
let key = ''

before(async () => {
  if (hasNone) return
  ;({ cert, key } = makeCertificate('IP:127.0.0.1'))
  registry = await startTestRegistry({ tls: { cert, key } })
})

after(() => registry?.close())

test('a private authority is believed where it is given', { skip }, async () => {
  const { sources } = await find({ ca: [cert], plainHttp: [] })
  assert.ok(sources.length >= 4)
  assert.ok(sources.every(({ outcome }) => outcome === 'absent'))
})

test('a certificate of somebody unknown is an outage, and never enough', { skip }, async () => {
  const { sources } = await find({ plainHttp: [] })
  for (const { outcome, detail } of sources) {
    assert.equal(outcome, 'unavailable')
    assert.match(detail ?? '', /SELF_SIGNED/)
  }
})

test('a certificate for another name is an outage', { skip }, async () => {
  const other = makeCertificate('IP:127.0.0.2')
  const wrong = await startTestRegistry({ tls: other })
  try {
    const { sources } = await find({ ca: [other.cert], plainHttp: [] }, wrong.host)
    assert.match(sources[0]?.detail ?? '', /ERR_TLS_CERT_ALTNAME_INVALID/)
  } finally {
    await wrong.close()
  }
})

test(
  'a redirect from TLS to plain text is not followed, even to this machine',
  { skip },
  async () => {
    const server = createServer({ cert, key }, (_request, response) =>
      response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
    )
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const http = openHttp({ ca: [cert] })
    try {
      const url = new URL(`https://127.0.0.1:${port}/`)
      const request = { what: 'x', accept: '*/*', maxBytes: 1000 }
      await assert.rejects(http.send(url, request), /redirects that keep TLS/)
    } finally {
      http.close()
      server.closeAllConnections()
      server.close()
    }
  },
)

test('a registry with TLS may not send for its token without', { skip }, async () => {
  let asked = 0
  const tokens = createPlainServer((_request, response) => {
    asked += 1
    response.end('{"token":"given"}')
  })
  await new Promise<void>((resolve) => tokens.listen(0, '127.0.0.1', resolve))
  const realm = `http://127.0.0.1:${(tokens.address() as AddressInfo).port}/token`
  const server = createServer({ cert, key }, (_request, response) =>
    response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}"` }).end(),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  try {
    const { sources } = await find({ ca: [cert], plainHttp: [new URL(realm).host] }, host)
    assert.ok(sources.every(({ outcome }) => outcome === 'unavailable'))
    assert.match(sources[0]?.detail ?? '', /token server reached by TLS/)
    assert.equal(asked, 0)
  } finally {
    for (const one of [server, tokens]) {
      one.closeAllConnections()
      one.close()
    }
  }
})

test('a server that speaks plain text is not taken for one with TLS', { skip }, async () => {
  const plain = await startTestRegistry()
  try {
    const { sources } = await find({ ca: [cert], plainHttp: [] }, plain.host)
    assert.ok(sources.every(({ outcome }) => outcome === 'unavailable'))
  } finally {
    await plain.close()
  }
})

async function find(http: HttpOptions, host = registry.host) {
  return findInRegistry(`${host}/${reference}`, { registries: [host], http })
}

function makeCertificate(name: string): { readonly cert: string; readonly key: string } {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-tls-'))
  try {
    const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
    const text =
      `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test ` +
      `-addext subjectAltName=${name} -keyout ${keyFile} -out ${certFile}`
    execFileSync('openssl', text.split(' '), { stdio: 'ignore' })
    return { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
