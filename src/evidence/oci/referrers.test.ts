import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, test } from 'node:test'
import { findInRegistry } from './find.ts'

const hex = 'ab'.repeat(32)
const index = '{"schemaVersion":2,"manifests":[]}'
const closing: (() => void)[] = []

afterEach(() => {
  for (const close of closing.splice(0)) close()
})

test('the next page is asked for at the registry, and nowhere else', async () => {
  let asked = 0
  const other = await serve(() => {
    asked += 1
    return {}
  })
  for (const link of [`<http://${other}/v2/>; rel="next"`, '<http://>; rel="next"']) {
    const host = await serve((path) => (path.includes('/referrers/') ? { link } : undefined))
    const row = await referrersOf(host)
    assert.equal(row?.outcome, 'unavailable')
    assert.ok(row?.detail?.includes(host), row?.detail)
  }
  assert.equal(asked, 0)
})

test('a registry that leads elsewhere for its first page is not followed to a second', async () => {
  const other = await serve(() => ({ link: '<next>; rel="next"' }))
  const host = await serve((path) =>
    path.includes('/referrers/') ? { location: `http://${other}${path}` } : undefined,
  )
  const row = await referrersOf(host)
  assert.equal(row?.outcome, 'unavailable')
})

test('pages without end are cut', async () => {
  let pages = 0
  const host = await serve((path) => {
    if (!path.includes('/referrers/')) return undefined
    pages += 1
    return { link: `<${path.split('?')[0]}?page=${pages}>; rel="next"` }
  })
  const row = await referrersOf(host)
  assert.equal(row?.outcome, 'unavailable')
  assert.match(row?.detail ?? '', /more/)
  assert.ok(pages <= 32)
})

test('a shorter list counts as the whole of one kind only when the registry says that it filtered', async () => {
  for (const filters of ['artifactType', 'somethingElse, artifactType', 'somethingElse', '']) {
    const host = await serve((path) => {
      if (!path.includes('/referrers/')) return undefined
      if (path.includes('artifactType=')) return { filters }
      return { link: `<${path}x>; rel="next"` }
    })
    const wanted = filters.includes('artifactType') ? 'absent' : 'unavailable'
    assert.equal((await referrersOf(host))?.outcome, wanted, filters)
  }
})

for (const status of [400, 404, 405, 406, 501]) {
  test(`a registry that answers ${status} to the referrers API has none`, async () => {
    const host = await serve((path) => (path.includes('/referrers/') ? { status } : undefined))
    assert.equal((await referrersOf(host))?.outcome, 'absent')
  })
}

async function referrersOf(host: string) {
  const reference = `${host}/acme/shop@sha256:${hex}`
  const { sources } = await findInRegistry(reference, { registries: [host], timeoutMs: 5_000 })
  return sources.find(({ name }) => name.endsWith('(referrers)'))
}

interface Page {
  readonly status?: number
  readonly link?: string
  readonly location?: string
  readonly filters?: string
}

async function serve(pageAt: (path: string) => Page | undefined): Promise<string> {
  const server = createServer(({ url = '' }, response) => {
    const page = pageAt(url)
    if (page === undefined) return response.writeHead(404).end()
    if (page.link !== undefined) response.setHeader('link', page.link)
    if (page.location !== undefined) response.setHeader('location', page.location)
    if (page.filters !== undefined) response.setHeader('oci-filters-applied', page.filters)
    const { status = page.location === undefined ? 200 : 307 } = page
    return response.writeHead(status).end(index)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}
