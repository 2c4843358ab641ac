import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { z } from 'zod'
import { providerResponseSchema } from '#api'
import { roles } from '#server'
import { places } from '../../src/server/gate-server.ts'
import { routes } from '../../src/server/routes/api.ts'
import { startAllRoles } from './all-roles.ts'
import {
  admission,
  call,
  makeHome,
  readiness,
  review,
  startInside,
  tokens,
  until,
  writePolicy,
  type GateHome,
  type Inside,
} from './gate.ts'

let home: GateHome
let gate: Inside
let digest = ''
before(async () => {
  home = await makeHome()
  gate = await startInside(home)
  digest = home.approve()
})
after(() => home.close())

const target = { environment: 'production', service: 'shop' }
const askOf = (sha256: string, more: object = {}): string =>
  JSON.stringify({ artifact: { name: 'shop', digest: { sha256 } }, target, ...more })

/** What there is, from the tables with which the gate answers: a new route without roles is nobody's, and fails here. */
interface Address {
  readonly method: string
  readonly path: string
  readonly roles: readonly string[] | 'everybody' | 'API servers'
}
/** Below these there is one that exists. */
const examples: Readonly<Record<string, string>> = {
  '/log/tile/entries/': '/log/tile/entries/000.p/1',
  '/log/': '/log/checkpoint',
}
const addresses: readonly Address[] = [
  ...routes.map(({ method, path, roles: who }) => ({
    method,
    path: path.replaceAll(/\{\w+\}/g, '0'),
    roles: who,
  })),
  ...places.map(({ path, roles: who }) => ({
    method: who === 'API servers' ? 'post' : 'get',
    path: examples[path] ?? path,
    roles: who,
  })),
]

test('what everybody may ask is known, and nothing else has no roles', () => {
  const open = places.filter(({ roles: who }) => who === 'everybody').map(({ path }) => path)
  assert.deepEqual(open, ['/log/', '/healthz', '/readyz'])
  const servers = places.filter(({ roles: who }) => who === 'API servers').map(({ path }) => path)
  assert.deepEqual(servers, ['/admission/validate', '/admission/pin'])
  for (const { path, roles: who } of addresses) {
    assert.ok(typeof who === 'string' || who.length > 0, `${path} forgot its roles`)
  }
})

for (const { method, path, roles: who } of addresses) {
  const isOpen = typeof who === 'string'
  test(`${method} ${path} is for ${isOpen ? who : who.join(', ')}, and for nobody else`, async () => {
    const body = method === 'post' ? { body: askOf(digest) } : {}
    const codeFor = async (headers: Record<string, string>) => {
      const response = await call(gate.address, path, { method, headers, ...body })
      return /ACCESS_(?:UNAUTHENTICATED|FORBIDDEN)/.exec(await response.text())?.[0]
    }
    const none = await codeFor({})
    // Which API servers may ask is what test/server/tls.test.ts attacks: here none is named.
    assert.equal(none, isOpen ? undefined : 'ACCESS_UNAUTHENTICATED')
    const wrong = await codeFor({ authorization: 'Bearer not-a-token-of-anybody' })
    assert.equal(wrong, none)
    for (const role of roles) {
      const code = await codeFor({ authorization: `Bearer ${tokens[role]}` })
      const may = isOpen || who.includes(role)
      assert.equal(code, may ? undefined : 'ACCESS_FORBIDDEN', role)
    }
  })

  test(`${path} answers nobody more for another method`, async () => {
    const methods = ['HEAD', 'OPTIONS', 'PUT', 'PATCH', 'DELETE', 'POST', 'GET', 'QUERY', 'PURGE']
    for (const other of methods) {
      const asks = ['POST', 'PUT', 'PATCH'].includes(other) ? { body: '{}' } : {}
      const response = await call(gate.address, path, { method: other, ...asks })
      const text = await response.text()
      assert.equal(response.headers.get('access-control-allow-origin'), null)
      if (isOpen) assert.ok(response.status < 500, `${other} ${response.status}`)
      else
        assert.ok([401, 404, 405].includes(response.status), `${other} ${response.status} ${text}`)
    }
  })
}

test('a method that an address does not take is answered with those that it takes', async () => {
  const taken = {
    '/api/v1/decisions': 'POST, GET, HEAD',
    '/api/v1/decisions/7/receipt': 'GET, HEAD',
    '/gatekeeper/v1/validate': 'POST',
    '/admission/validate': 'POST',
    '/log/checkpoint': 'GET, HEAD',
    '/openapi.json': 'GET, HEAD',
    '/healthz': 'GET, HEAD',
  }
  for (const [path, allow] of Object.entries(taken)) {
    const { status, headers } = await call(gate.address, path, { method: 'DELETE' })
    assert.deepEqual([status, headers.get('allow')], [405, allow], path)
  }
})

test('Gatekeeper is told in its own words why it has no answer, with the status of the problem', async () => {
  const path = '/gatekeeper/v1/validate'
  const request = { method: 'POST', body: '{"apiVersion":"v2"}' }
  for (const [as, status, why] of [
    ['deployer', 400, /^DOCUMENT_SHAPE .*; fix: /],
    ['viewer', 403, /^ACCESS_FORBIDDEN .*; fix: /],
  ] as const) {
    const answer = await call(gate.address, path, { ...request, as })
    const type = answer.headers.get('content-type')
    const { kind, response } = providerResponseSchema.parse(await answer.json())
    assert.deepEqual([answer.status, type, kind], [status, 'application/json', 'ProviderResponse'])
    assert.deepEqual(response.items, [])
    assert.match(response.systemError ?? '', why)
  }
})

test('what every proxy hands out is for deployers, unless it is open to all', async () => {
  const { addresses: at, ...all } = await startAllRoles((_, response) =>
    response.writeHead(404).end(),
  )
  try {
    const paths = [
      [at.oci, '/v2/'],
      [at.oci, '/v2/registry.example/acme/shop/manifests/latest'],
      [at.oci, `/v2/registry.example/acme/shop/blobs/sha256:${'ab'.repeat(32)}`],
      [at.oci, '/v2/registry.example/acme/shop/tags/list'],
      [at.oci, `/v2/registry.example/acme/shop/referrers/sha256:${'ab'.repeat(32)}`],
      [at.oci, '/v2/_catalog'],
      [at.npm, '/tool'],
      [at.npm, '/tool/-/tool-1.0.0.tgz'],
      [at.npm, '/-/ping'],
      [at.npm, '/-/v1/search'],
    ] as const
    for (const [address, path] of paths) {
      assert.equal((await call(address, path)).status, 401, path)
      for (const role of roles) {
        const { status } = await call(address, path, { as: role })
        if (role !== 'deployer') assert.equal(status, 403, `${path} ${role}`)
        else assert.ok(![401, 403].includes(status), `${path} ${status}`)
      }
    }
  } finally {
    await all.close()
  }
})

interface Described {
  readonly openapi: string
  readonly paths: Record<string, Record<string, { responses: Record<string, Answered> }>>
  readonly components: { readonly responses: { readonly Problems: Answered } }
}
interface Answered {
  readonly $ref?: string
  readonly content?: Record<string, { readonly schema: Parameters<typeof z.fromJSONSchema>[0] }>
}

test('the OpenAPI document lists every route, and what is answered has the shape that it tells', async () => {
  const document = (await (await call(gate.address, '/openapi.json')).json()) as Described
  assert.equal(document.openapi, '3.1.0')
  const listed = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method} ${path}`),
  )
  assert.deepEqual(listed.sort(), routes.map(({ method, path }) => `${method} ${path}`).sort())
  const shapeOf = (path: string, method: string, status: string, type = 'application/json') => {
    const told = document.paths[path]?.[method]?.responses[status]
    const isShared = told?.$ref === '#/components/responses/Problems'
    const { content } = isShared ? document.components.responses.Problems : (told ?? {})
    const schema = content?.[type]?.schema
    assert.ok(schema !== undefined, `${method} ${path} ${status}`)
    return z.fromJSONSchema(schema)
  }
  const path = '/api/v1/decisions'
  const good = await call(gate.address, path, {
    method: 'post',
    as: 'deployer',
    body: askOf(digest),
  })
  assert.equal(good.status, 200)
  shapeOf(path, 'post', '200').parse(await good.json())
  const bad = await call(gate.address, path, {
    method: 'post',
    as: 'deployer',
    body: askOf('ab'.repeat(32)),
  })
  assert.equal(bad.status, 403)
  shapeOf(path, 'post', '403').parse(await bad.json())
  const list = await call(gate.address, `${path}?limit=2`, { as: 'viewer' })
  shapeOf(path, 'get', '200').parse(await list.json())
  const targets = await call(gate.address, '/api/v1/targets', { as: 'viewer' })
  shapeOf('/api/v1/targets', 'get', '200').parse(await targets.json())
  const problem = await call(gate.address, `${path}?limit=0`, { as: 'viewer' })
  assert.equal(problem.headers.get('content-type'), 'application/problem+json')
  shapeOf(path, 'get', 'default', 'application/problem+json').parse(await problem.json())
})

test('metrics tell requests, decisions and the log, with rows that nobody who asks can choose', async () => {
  await admission(gate.address, review(home.image(digest)))
  for (let number = 0; number < 20; number += 1) await call(gate.address, `/made/up/${number}`)
  const text = await (await call(gate.address, '/metrics', { as: 'operator' })).text()
  assert.match(text, /sallyport_decisions_total\{choke_point="admission",verdict="ALLOW".*\} [1-9]/)
  assert.match(text, /sallyport_log_entries [1-9]/)
  assert.match(text, /sallyport_problems 0/)
  assert.match(text, /route="other",status="404"\} 20/)
  assert.doesNotMatch(text, /made/)
})

test('AUD-04, BRK-05: the record says which object the API server asked about', async () => {
  const { entry } = await admission(gate.address, review(home.image(digest)))
  const list = await call(gate.address, `/api/v1/decisions?before=${Number(entry) + 1}&limit=1`, {
    as: 'viewer',
  })
  const { entries } = (await list.json()) as {
    entries: { body: { request: { asked: Record<string, string> } } }[]
  }
  const { operation, kind, field, image } = entries[0]?.body.request.asked ?? {}
  assert.deepEqual(
    [operation, kind, field, image],
    ['CREATE', '/Pod', 'spec.containers[0].image', home.image(digest)],
  )
})

test('a receipt is a proof that stands without the gate', async () => {
  const { entry } = await admission(gate.address, review(home.image(digest)))
  const receipt = await call(gate.address, `/api/v1/decisions/${entry}/receipt`, { as: 'auditor' })
  assert.match(await receipt.text(), /^c2sp\.org\/tlog-proof@v1\n/)
})

test('what not everybody may read of the log is kept by no cache that others are answered from', async () => {
  await admission(gate.address, review(home.image(digest)))
  let size = '0'
  const read = async (path: string): Promise<string> => {
    const response = await call(gate.address, `/log/${path}`, { as: 'viewer' })
    assert.equal(response.status, 200, path)
    size = path === 'checkpoint' ? ((await response.text()).split('\n')[1] ?? '') : size
    return response.headers.get('cache-control') ?? ''
  }
  await until('published', async () => (await read('checkpoint')) === 'no-cache' && size !== '0')
  const lasting = 'max-age=31536000, immutable'
  assert.equal(await read(`tile/0/000.p/${size}`), `public, ${lasting}`)
  assert.equal(await read(`tile/entries/000.p/${size}`), `private, ${lasting}`)
})

test('a webhook that whoever reaches it may ask is told by readiness, metrics and journal', async () => {
  const [warning = ''] = gate.journal.filter((line) => line.includes('ADMISSION_OPEN'))
  assert.match(warning, /"level":"warn".*sallyport\.yaml admission\.clients.*docs\/kubernetes\.md/)
  assert.deepEqual(await readiness(gate.address), { status: 200, text: 'ready\nADMISSION_OPEN\n' })
  const metrics = await call(gate.address, '/metrics', { as: 'operator' })
  assert.match(await metrics.text(), /^sallyport_warnings 1$/m)
})

test('a bad push of policies leaves the old ones in force and is told; a good one takes effect', async () => {
  const image = home.image(digest)
  const file = join(home.folder, 'policies/production.yaml')
  writeFileSync(file, 'apiVersion: sallyport.dev/v1\nkind: DeploymentPolicy\nrequire: []\n')
  await until('told', async () => /POLICY|DOCUMENT/.test((await readiness(gate.address)).text))
  const { status, text } = await readiness(gate.address)
  assert.equal(status, 200, 'a bad push must not shut the gate')
  assert.match(text, /^ready\n/)
  assert.equal((await admission(gate.address, review(image))).allowed, true)
  writePolicy(home.folder, 'signed: {by: [hosted-builder]}')
  await until('the new policy', async () => {
    return (await admission(gate.address, review(image))).allowed === false
  })
  assert.deepEqual(await readiness(gate.address), { status: 200, text: 'ready\nADMISSION_OPEN\n' })
  writePolicy(home.folder)
  await until('the old policy', async () => {
    return (await admission(gate.address, review(image))).allowed === true
  })
  const told = gate.journal.join('')
  assert.match(told, /policies and trust not taken into use/)
  assert.match(told, /policies and trust in use/)
})
