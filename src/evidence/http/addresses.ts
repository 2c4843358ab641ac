import { BlockList, isIP } from 'node:net'

/** How far inside an address lies. `forbidden`: nothing there is a source of evidence, least of all a cloud's metadata. */
export type Reach = 'public' | 'private' | 'loopback' | 'forbidden'

type Prefix = readonly [address: string, length: number]

const loopback = listOf([
  ['127.0.0.0', 8],
  ['::1', 128],
])
const privateUse = listOf([
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
  ['198.18.0.0', 15],
  ['fc00::', 7],
  ['fec0::', 10],
])
const forbidden = listOf([
  ['0.0.0.0', 8],
  ['169.254.0.0', 16],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  ['::', 128],
  ['fe80::', 10],
  ['ff00::', 8],
  // Metadata and host agents of clouds that do not answer on a link-local address: AWS, Alibaba, Oracle, Azure, …
  ['fd00:ec2::', 32],
  ['100.100.100.200', 32],
  ['fd00:100::100:200', 128],
  ['192.0.0.192', 32],
  ['fd00:c1::a9fe:a9fe', 128],
  ['168.63.129.16', 32],
  // … Google, Scaleway, Akamai.
  ['fd20:ce::254', 128],
  ['fd00:42::42', 128],
  ['fd00:a9fe:a9fe::1', 128],
  // These carry an IPv4 address within: nobody shall say 169.254.169.254 in another spelling.
  ['::ffff:0:0:0', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['2002::', 16],
  ['2001::', 32],
])

/** Classifies an IP address; IPv4 addresses written as IPv6 are what they stand for. */
export function reachOf(address: string): Reach {
  const bare = bareAddress(address)
  const family = isIP(bare) === 6 ? 'ipv6' : 'ipv4'
  if (isIP(bare) === 0 || forbidden.check(bare, family)) return 'forbidden'
  if (loopback.check(bare, family)) return 'loopback'
  return privateUse.check(bare, family) ? 'private' : 'public'
}

const depth = { public: 0, private: 1, loopback: 2 } as const

/** Whether somebody who was let in as far as `limit` may go to `reach`. */
export function isWithin(reach: Reach, limit: Exclude<Reach, 'forbidden'>): boolean {
  return reach !== 'forbidden' && depth[reach] <= depth[limit]
}

/** The address without brackets and zone. */
export function bareAddress(address: string): string {
  return address.replace(/^\[|\]$/g, '').replace(/%.*$/, '')
}

function listOf(prefixes: readonly Prefix[]): BlockList {
  const list = new BlockList()
  for (const [address, length] of prefixes) {
    list.addSubnet(address, length, address.includes(':') ? 'ipv6' : 'ipv4')
  }
  return list
}
