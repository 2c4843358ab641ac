import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkShape, type Json } from '#document'
import { SallyportError } from '#error'
import { npmProxySchema, type NpmProxyFile } from './npm-proxy-schema.ts'
import { npmOf } from './npm-proxy.ts'

const least = {
  upstream: 'https://registry.example',
  target: { environment: 'build', service: 'npm' },
}
const parse = (more: Json): NpmProxyFile =>
  checkShape(npmProxySchema, { ...least, ...(more as object) }, { what: 'proxies.npm' })

test('where nothing is said, strangers are refused, and names go nowhere', () => {
  const { host, anonymous, refused, addresses, reportPublic, minimumAge } = parse({})
  assert.deepEqual(
    { host, anonymous, refused, addresses, reportPublic, minimumAge },
    {
      host: '127.0.0.1',
      anonymous: false,
      refused: 'hide',
      addresses: 'refuse',
      reportPublic: false,
      minimumAge: undefined,
    },
  )
})

test('a token file is looked for in the home folder', () => {
  const bound = { registry: 'https://npm.acme.example', tokenFile: 'keys/token' }
  const { scopes, cache } = npmOf('/home/gate', parse({ scopes: { '@acme': bound } }))
  assert.deepEqual(scopes['@acme'], { ...bound, tokenFile: '/home/gate/keys/token' })
  assert.equal(cache.folder, '/home/gate/npm-cache')
})

test('a span of time is understood', () => {
  assert.deepEqual(parse({ minimumAge: '2d' }).minimumAge, {
    text: '2d',
    milliseconds: 172_800_000,
  })
})

for (const [name, more] of [
  ['a field that nobody knows', { upstreams: {} }],
  ['an upstream without TLS', { upstream: 'http://registry.example' }],
  ['an upstream that is only called like this machine', { upstream: 'http://localhost.example' }],
  ['an upstream whose name begins like an address', { upstream: 'http://127.0.0.1.example' }],
  ['an upstream with a password', { upstream: 'https://a:b@registry.example' }],
  ['a scope without its @', { scopes: { acme: 'https://npm.acme.example' } }],
  ['a package in upper case, which would never be bound', { packages: { Tool: least.upstream } }],
  ['an empty prefix, which would reserve everything', { reserved: [{ prefix: '' }] }],
  ['an exception for every version', { minimumAgeExceptions: ['left-pad'] }],
  ['an age without unit', { minimumAge: '7' }],
  ['a port for everybody without TLS', { host: '0.0.0.0' }],
] as const) {
  test(`${name} is refused`, () => {
    assert.throws(() => parse(more), SallyportError)
  })
}
