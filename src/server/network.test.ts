import assert from 'node:assert/strict'
import { test } from 'node:test'
import { networkOf } from './network.ts'

const cases: Readonly<Record<string, string>> = {
  '192.0.2.7': '192.0.2.7',
  '::ffff:192.0.2.7': '192.0.2.7',
  '2001:db8:1:2:3:4:5:6': '2001:db8:1:2',
  '2001:db8:1:2::6': '2001:db8:1:2',
  '2001:db8::6': '2001:db8:0:0',
  '2001:0DB8:0001:2:ffff::': '2001:db8:1:2',
  'fe80::1%eth0': 'fe80:0:0:0',
  '::1': '0:0:0:0',
  '::': '0:0:0:0',
  '64:ff9b::192.0.2.7': '64:ff9b:0:0',
  '2001:db8:1:2:3:4:192.0.2.7': '2001:db8:1:2',
  '': '',
}

for (const [address, network] of Object.entries(cases))
  test(`${address === '' ? 'no address' : address} is of ${network}`, () => {
    assert.equal(networkOf(address), network)
  })

test('who chooses among the addresses of their network has one share', () => {
  const all = ['2001:db8:1:2::1', '2001:db8:1:2:ffff::', '2001:db8:1:2:3:4:5:6'].map(networkOf)
  assert.equal(new Set(all).size, 1)
  assert.notEqual(networkOf('2001:db8:1:3::1'), all[0])
})
