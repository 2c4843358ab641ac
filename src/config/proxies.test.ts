import assert from 'node:assert/strict'
import { test } from 'node:test'
import { proxiesOf } from './proxies.ts'
import { proxiesSchema } from './proxies-schema.ts'

const target = { environment: 'production', service: 'shop' }
const oci = {
  upstreams: { 'docker.io': 'https://registry-1.docker.io' },
  targets: [{ prefix: 'docker.io/acme/', ...target }],
}
const places = (more: object): readonly string[] => {
  const parsed = proxiesSchema.safeParse({ oci: { ...oci, ...more } })
  return parsed.error?.issues.map(({ path }) => path.slice(1).join('.')) ?? []
}

test('what is left out is safe: this machine, names wanted, everything bounded', () => {
  const parsed = proxiesOf('/home', proxiesSchema.parse({ oci })).oci
  assert.deepEqual(
    [parsed?.host, parsed?.anonymous, parsed?.cache.folder, parsed?.limits.concurrent],
    ['127.0.0.1', false, '/home/oci-cache', 256],
  )
})

const wrong: Readonly<Record<string, readonly [object, string]>> = {
  'another host without TLS': [{ host: '0.0.0.0' }, ''],
  'no registry behind': [{ upstreams: {} }, 'upstreams'],
  'an address with a path': [
    { upstreams: { 'a.example': 'https://a.example/v2' } },
    'upstreams.a.example',
  ],
  'an address with a password': [
    { upstreams: { 'a.example': 'https://u:p@a.example' } },
    'upstreams.a.example',
  ],
  'an address of another scheme': [
    { upstreams: { 'a.example': 'file:///etc' } },
    'upstreams.a.example',
  ],
  'a name that no image has': [{ upstreams: { 'A/b': 'https://a.example' } }, 'upstreams.A/b'],
  'no target': [{ targets: [] }, 'targets'],
  'a prefix that ends within a name': [
    { targets: [{ prefix: 'docker.io/acme', ...target }] },
    'targets.0.prefix',
  ],
  'an entry that is both': [
    { targets: [{ prefix: 'docker.io/', repository: 'docker.io/a/b', ...target }] },
    'targets.0',
  ],
  'a name with two targets': [
    {
      targets: [
        { prefix: 'docker.io/acme/', ...target },
        { prefix: 'docker.io/acme/', ...target, environment: 'staging' },
      ],
    },
    'targets.1',
  ],
  'what everybody may have, ending within a name': [{ public: ['docker.io/library'] }, 'public.0'],
  'a field that nobody knows': [{ mirrors: [] }, ''],
  'no bound': [{ limits: { concurrent: 0 } }, 'limits.concurrent'],
}
for (const [what, [more, where]] of Object.entries(wrong)) {
  test(`${what} is refused`, () => assert.deepEqual(places(more), [where]))
}
