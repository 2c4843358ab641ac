import assert from 'node:assert/strict'
import { test } from 'node:test'

import { attemptsSince, parseSets } from './network.ts'

const element = (address: string, second: number | string, packets: number): object => ({
  elem: { val: { concat: [address, second] }, counter: { packets, bytes: packets * 60 } },
})
const listing = (sets: Readonly<Record<string, readonly object[]>>): string =>
  JSON.stringify({
    nftables: [
      { metainfo: { version: '1.0.6' } },
      { table: { family: 'inet', name: 'sallyport' } },
      { set: { name: 'udp6', type: ['ipv6_addr', 'inet_service'] } },
      ...Object.entries(sets).map(([name, elem]) => ({ set: { name, elem } })),
      { chain: { name: 'output' } },
    ],
  })

test('sets of nftables become destinations', () => {
  const listed = listing({
    tcp4: [element('192.0.2.1', 443, 3)],
    udp6: [element('2001:db8::1', 53, 1)],
    other4: [element('192.0.2.2', 'icmp', 2)],
  })
  assert.deepEqual(parseSets(listed), {
    destinations: [
      { protocol: 'tcp', address: '192.0.2.1', port: 443, count: 3 },
      { protocol: 'udp', address: '2001:db8::1', port: 53, count: 1 },
      { protocol: 'other', address: '192.0.2.2', count: 2 },
    ],
    full: false,
  })
})

test('a set without room for more is said to be full', () => {
  const many = Array.from({ length: 1024 }, (_, index) => element('192.0.2.1', index, 1))
  assert.equal(parseSets(listing({ tcp4: many })).full, true)
  assert.equal(parseSets(listing({ tcp4: many.slice(1) })).full, false)
})

test('what was counted before does not count', () => {
  const before = parseSets(
    listing({ tcp4: [element('192.0.2.1', 1, 2), element('192.0.2.1', 2, 5)] }),
  )
  const after = parseSets(
    listing({ tcp4: [element('192.0.2.1', 1, 2), element('192.0.2.1', 2, 6)] }),
  )
  assert.deepEqual(attemptsSince(before, after).destinations, [
    { protocol: 'tcp', address: '192.0.2.1', port: 2, count: 1 },
  ])
})
