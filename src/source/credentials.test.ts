import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { createServer } from 'node:https'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { SallyportError } from '#error'
import { testFolder, testStorage } from '../materials/testing/storage.ts'
import { fetchCommit } from './fetch.ts'
import { testRepository } from './testing/repository.ts'

const skip = spawnSync('openssl', ['version']).status !== 0 && 'skipped: no openssl on this machine'

interface Forge {
  readonly port: number
  readonly certificate: string
  readonly authorizations: Set<string | undefined>
}

/** A real HTTPS server that gives out a repository as plain files, as any web server can. */
async function forge(context: TestContext, folder: string, redirect?: string): Promise<Forge> {
  const keys = testFolder(context)
  const [key, certificate] = [join(keys, 'key.pem'), join(keys, 'cert.pem')]
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '2',
      ...subject,
      '-keyout',
      key,
      '-out',
      certificate,
    ],
    { stdio: 'ignore' },
  )
  const authorizations = new Set<string | undefined>()
  const options = { key: readFileSync(key), cert: readFileSync(certificate) }
  const server = createServer(options, (request, response) => {
    authorizations.add(request.headers.authorization)
    const path = new URL(request.url ?? '/', 'https://x').pathname.replace(
      /^\/shop\//,
      '/shop.git/.git/',
    )
    if (redirect !== undefined) {
      response.writeHead(302, { location: `${redirect}${request.url}` }).end()
      return
    }
    try {
      response.end(readFileSync(join(folder, path)))
    } catch {
      // As every web server says it.
      response.writeHead(404).end()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => server.close())
  return { port: (server.address() as AddressInfo).port, certificate, authorizations }
}

function published(context: TestContext): { folder: string; commit: string } {
  const folder = testFolder(context)
  const repository = testRepository(join(folder, 'shop.git'))
  repository.write('a', 'x')
  const commit = repository.commit()
  repository.git(['config', 'core.bare', 'true'])
  repository.git(['update-server-info'])
  return { folder, commit }
}

function trusting(context: TestContext, certificate: string): void {
  const before = process.env['GIT_SSL_CAINFO']
  process.env['GIT_SSL_CAINFO'] = certificate
  context.after(() => {
    if (before === undefined) delete process.env['GIT_SSL_CAINFO']
    else process.env['GIT_SSL_CAINFO'] = before
  })
}

test(
  'credentials in an address reach the server, and nothing that is recorded',
  { skip },
  async (t) => {
    const { folder, commit } = published(t)
    const server = await forge(t, folder)
    trusting(t, server.certificate)
    const repository = `https://user:SECRET@127.0.0.1:${server.port}/shop`
    const snapshot = await fetchCommit({ repository, revision: 'main', ...testStorage(t) })
    assert.equal(snapshot.commit, commit)
    assert.equal(snapshot.uri, `git+https://127.0.0.1:${server.port}/shop`)
    const header = `Basic ${Buffer.from('user:SECRET').toString('base64')}`
    assert.deepEqual([...server.authorizations], [header])
  },
)

test('credentials do not follow a redirect', { skip }, async (t) => {
  const { folder } = published(t)
  const elsewhere = await forge(t, folder)
  const server = await forge(t, folder, `https://127.0.0.1:${elsewhere.port}`)
  trusting(t, server.certificate)
  const repository = `https://user:SECRET@127.0.0.1:${server.port}/shop`
  const work = fetchCommit({ repository, revision: 'main', ...testStorage(t) })
  await assert.rejects(work, (error: SallyportError) => {
    assert.equal(error.code, 'SOURCE_UNAVAILABLE')
    assert.doesNotMatch(JSON.stringify(error.problems), /SECRET/)
    return true
  })
  assert.equal(elsewhere.authorizations.size, 0)
})

test('a certificate that nobody vouches for is refused', { skip }, async (t) => {
  const { folder } = published(t)
  const server = await forge(t, folder)
  const work = fetchCommit({
    repository: `https://127.0.0.1:${server.port}/shop`,
    revision: 'main',
    ...testStorage(t),
  })
  await assert.rejects(work, { code: 'SOURCE_UNAVAILABLE' })
  assert.equal(server.authorizations.size, 0)
})
