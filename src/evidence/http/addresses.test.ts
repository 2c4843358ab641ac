import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isWithin, reachOf, type Reach } from './addresses.ts'

const known: Readonly<Record<Reach, readonly string[]>> = {
  public: ['203.0.113.7', '2606:4700::1111', '172.15.0.1', '::ffff:203.0.113.7'],
  private: ['10.1.2.3', '172.16.0.1', '192.168.1.1', '100.64.0.1', 'fd12::1', '::ffff:10.0.0.1'],
  loopback: ['127.0.0.1', '127.9.9.9', '::1', '[::1]', '::ffff:127.0.0.1'],
  forbidden: [
    '169.254.169.254',
    '::ffff:169.254.169.254',
    '64:ff9b::a9fe:a9fe',
    '::ffff:0:169.254.169.254',
    'fe80::1%eth0',
    'fd00:ec2::254',
    'fd00:ec2::23',
    'fd20:ce::254',
    'fd00:c1::a9fe:a9fe',
    'fd00:42::42',
    'fd00:a9fe:a9fe::1',
    'fd00:100::100:200',
    '100.100.100.200',
    '168.63.129.16',
    '0.0.0.0',
    '::',
    '224.0.0.1',
    'not an address',
    '',
  ],
}

for (const [reach, addresses] of Object.entries(known)) {
  test(`addresses that are ${reach} are known as such, in every spelling`, () => {
    for (const address of addresses) assert.equal(reachOf(address), reach, address)
  })
}

test('whoever was named may lead as far inside as it lies, and no further', () => {
  assert.ok(isWithin('public', 'public'))
  assert.ok(!isWithin('private', 'public'))
  assert.ok(!isWithin('loopback', 'private'))
  assert.ok(isWithin('private', 'loopback'))
  assert.ok(!isWithin('forbidden', 'loopback'))
})
