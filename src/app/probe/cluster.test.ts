import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { selfSigned } from '../../events/testing/certificate.ts'
import { goesOn, openCluster, pagesOf, type Cluster } from './cluster.ts'
import { tryKubelets } from './kubelets.ts'

const hasNone = spawnSync('openssl', ['version']).error !== undefined
const options = {
  skip: hasNone && 'skipped: no openssl to make a certificate with',
  timeout: 20_000,
}
const switching = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'

async function serve(
  t: TestContext,
  handle: (request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<{ readonly cluster: Cluster; readonly port: number }> {
  const { key, cert } = selfSigned('127.0.0.1')
  const server = createServer({ key, cert }, (request, response) => void handle(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close().closeAllConnections())
  const { port } = server.address() as AddressInfo
  return { cluster: openCluster({ server: new URL(`https://127.0.0.1:${port}`), ca: cert }), port }
}

test(
  'what is no object in JSON is no answer of an API server, and no empty list',
  options,
  async (t) => {
    const { cluster } = await serve(t, ({ url }, response) => {
      if (url === '/switch') return response.socket?.end(switching)
      const type = url === '/page' ? 'text/html' : 'application/json'
      return response.setHeader('content-type', type).end(url === '/list' ? '[]' : '<p>Log in</p>')
    })
    for (const path of ['/page', '/list', '/none', '/switch'])
      await assert.rejects(cluster.get(path), { code: 'PROBE_CLUSTER' })
  },
)

test('a list is read page by page, up to so many, and the last one tells whether it goes on', async () => {
  const asked: string[] = []
  const cluster = {
    get: (path: string) => {
      const at = asked.push(path)
      const metadata = { continue: at < 3 ? `a/${at}` : '' }
      return Promise.resolve({ status: 200, body: { metadata, items: [at] }, warnings: '' })
    },
  }
  const read = async (maxPages: number) => {
    asked.length = 0
    const pages: [unknown, boolean][] = []
    for await (const page of pagesOf(cluster, '/api/v1/nodes', { perPage: 2, maxPages }))
      pages.push([page.body['items'], goesOn(page)])
    return pages
  }
  assert.deepEqual(await read(9), [
    [[1], true],
    [[2], true],
    [[3], false],
  ])
  assert.deepEqual(asked, [
    '/api/v1/nodes?limit=2',
    '/api/v1/nodes?limit=2&continue=a%2F1',
    '/api/v1/nodes?limit=2&continue=a%2F2',
  ])
  assert.deepEqual(await read(2), [
    [[1], true],
    [[2], true],
  ])
})

test('a kubelet that speaks something else is one that does not answer', options, async (t) => {
  const { port } = await serve(t, (_, response) => response.socket?.end(switching))
  const node = {
    metadata: { name: 'n1' },
    status: {
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      daemonEndpoints: { kubeletEndpoint: { Port: port } },
    },
  }
  const { cluster } = await serve(t, ({ url = '' }, response) => {
    const items = url.includes('continue') ? [] : [node]
    const list = { metadata: { continue: 'more' }, items }
    return response.setHeader('content-type', 'application/json').end(JSON.stringify(list))
  })
  assert.equal(goesOn(await cluster.get('/api/v1/nodes')), true)
  const { ways, unreached } = await tryKubelets(cluster)
  assert.deepEqual(unreached, ['n1'])
  // That there are other nodes is not known to be harmless.
  assert.deepEqual(
    ways.map(({ outcome, way }) => [outcome, way]),
    [['unknown', 'kubelets']],
  )
})
