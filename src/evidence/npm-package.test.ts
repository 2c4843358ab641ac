import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, test } from 'node:test'
import { sha256Hex, type Json } from '#document'
import { openHttp } from './http/client.ts'
import { resolveInNpmRegistry } from './npm-package.ts'

const tarball = Buffer.from('a tarball')
const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`
const http = openHttp({ limits: { idleMs: 300, totalMs: 1000 } })
let server: Server
let base = ''
const pages = new Map<string, { status?: number; body: string | Buffer }>()

before(async () => {
  server = createServer((request, response) => {
    const page = pages.get(request.url ?? '') ?? { status: 404, body: '{}' }
    response.writeHead(page.status ?? 200).end(page.body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
after(() => {
  http.close()
  server.close()
})
beforeEach(() => {
  pages.clear()
  pages.set('/t.tgz', { body: tarball })
  publish({ tarball: `${base}/t.tgz`, integrity })
})

function publish(dist: Json): void {
  pages.set('/@acme%2fshop', { body: JSON.stringify({ versions: { '1.0.0': { dist } } }) })
}

const resolve = (version = '1.0.0') =>
  resolveInNpmRegistry({ registry: base, name: '@acme/shop', version }, { http })

test('a package version is the digests of its tarball', async () => {
  assert.deepEqual(await resolve(), {
    digest: {
      sha256: sha256Hex(tarball),
      sha512: createHash('sha512').update(tarball).digest('hex'),
    },
    size: tarball.length,
  })
})

test('a version that is not there is a mistake of the person who named it', async () => {
  await assert.rejects(resolve('9.0.0'), { code: 'EVIDENCE_ARTIFACT_MISSING' })
  for (const name of ['__proto__', 'constructor'])
    await assert.rejects(resolve(name), { code: 'EVIDENCE_ARTIFACT_MISSING' })
  pages.clear()
  await assert.rejects(resolve(), { code: 'EVIDENCE_ARTIFACT_MISSING' })
})

test('other bytes than the packument tells are not the package', async () => {
  pages.set('/t.tgz', { body: 'another tarball' })
  await assert.rejects(resolve(), { code: 'EVIDENCE_SOURCE_UNAVAILABLE', where: base.slice(7) })
})

test('a registry that answers with anything else is unavailable, by name', async () => {
  const bodies = ['<html>', '{}', '{"versions":[]}', '{"versions":{"1.0.0":{"dist":{}}}}']
  for (const body of bodies) {
    pages.set('/@acme%2fshop', { body })
    await assert.rejects(resolve(), { code: 'EVIDENCE_SOURCE_UNAVAILABLE', where: base.slice(7) })
  }
  pages.set('/@acme%2fshop', { status: 500, body: '' })
  await assert.rejects(resolve(), { code: 'EVIDENCE_SOURCE_UNAVAILABLE' })
  for (const address of ['none', 'file:///etc/passwd', 'http://169.254.169.254/t.tgz']) {
    publish({ tarball: address, integrity })
    await assert.rejects(resolve(), { code: 'EVIDENCE_SOURCE_UNAVAILABLE' })
  }
})
