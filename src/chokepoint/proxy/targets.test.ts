import assert from 'node:assert/strict'
import { test } from 'node:test'
import { targetOf, type NameMapping } from './targets.ts'

const target = (service: string) => ({ environment: 'production', service })
const mapping: NameMapping = {
  file: 'sallyport.yaml',
  where: 'proxies.oci.targets',
  exact: new Map([['docker.io/acme/shop', target('exact')]]),
  prefixes: new Map([
    ['docker.io/acme/', target('short')],
    ['docker.io/acme/team/', target('long')],
  ]),
}
const service = (name: string): string | undefined => {
  const found = targetOf(name, mapping)
  return 'code' in found ? found.code : found.service
}

test('a name that is listed comes before a prefix, and a long prefix before a short one', () => {
  assert.equal(service('docker.io/acme/shop'), 'exact')
  assert.equal(service('docker.io/acme/shop/more'), 'short')
  assert.equal(service('docker.io/acme/team/shop'), 'long')
})

test('what nobody has assigned has no target, however much it looks like something else', () => {
  for (const name of [
    'docker.io/acme',
    'docker.io/acme-evil/shop',
    'docker.io/other',
    '',
    'acme/shop',
  ])
    assert.equal(service(name), 'PROXY_TARGET')
})
