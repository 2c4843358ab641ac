import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'

// The network of the cell: a loopback device and nothing else. Every address is made local, so that an attempt reaches
// the cell itself, is refused at once by a closed port, and is counted on the way by nftables.

/** A destination as nftables counted it. */
export interface Destination {
  readonly protocol: 'tcp' | 'udp' | 'other'
  readonly address: string
  readonly port?: number
  readonly count: number
}

export interface NetworkTools {
  readonly ip: string
  readonly nft: string
}

const setSize = 1024

// Answers of the sinkhole (source port 53) and the kernel's own ICMP errors are not attempts of the step.
const ruleset = `
table inet sallyport {
  set tcp4 { typeof ip daddr . tcp dport; flags dynamic; counter; size ${setSize}; }
  set tcp6 { typeof ip6 daddr . tcp dport; flags dynamic; counter; size ${setSize}; }
  set udp4 { typeof ip daddr . udp dport; flags dynamic; counter; size ${setSize}; }
  set udp6 { typeof ip6 daddr . udp dport; flags dynamic; counter; size ${setSize}; }
  set other4 { typeof ip daddr . ip protocol; flags dynamic; counter; size ${setSize}; }
  set other6 { typeof ip6 daddr . meta l4proto; flags dynamic; counter; size ${setSize}; }
  chain output {
    type filter hook output priority 0; policy accept;
    ip daddr 127.0.0.0/8 accept
    ip6 daddr ::1 accept
    icmp type { destination-unreachable, time-exceeded, parameter-problem, echo-reply } accept
    icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem, echo-reply, mld-listener-report, mld2-listener-report, nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert } accept
    udp sport 53 accept
    meta nfproto ipv4 meta l4proto tcp tcp flags & (syn|ack) == syn add @tcp4 { ip daddr . tcp dport counter }
    meta nfproto ipv6 meta l4proto tcp tcp flags & (syn|ack) == syn add @tcp6 { ip6 daddr . tcp dport counter }
    meta nfproto ipv4 meta l4proto udp add @udp4 { ip daddr . udp dport counter }
    meta nfproto ipv6 meta l4proto udp add @udp6 { ip6 daddr . udp dport counter }
    meta nfproto ipv4 meta l4proto != { tcp, udp } add @other4 { ip daddr . ip protocol counter }
    meta nfproto ipv6 meta l4proto != { tcp, udp } add @other6 { ip6 daddr . meta l4proto counter }
  }
}
`

/** Brings the loopback device up, routes every address to it and starts counting. Returns what went wrong. */
export async function setUpNetwork(tools: NetworkTools): Promise<string | undefined> {
  const [links, counters] = await Promise.all([
    setUpLinks(tools),
    run(tools.nft, ['-f', '-'], ruleset),
  ])
  return links ?? counters.failure
}

async function setUpLinks({ ip }: NetworkTools): Promise<string | undefined> {
  const commands = 'link set lo up\nroute add local 0.0.0.0/0 dev lo\n'
  const { failure } = await run(ip, ['-batch', '-'], commands)
  // A kernel without IPv6 has no IPv6 to reach anything with.
  await run(ip, ['-6', '-batch', '-'], 'route add local ::/0 dev lo\n')
  return failure
}

export interface Attempts {
  readonly destinations: readonly Destination[]
  /** A set had no room for more. */
  readonly full: boolean
}

/** Everything counted so far, or what went wrong. */
export async function readAttempts(tools: NetworkTools): Promise<Attempts | string> {
  const listed = await run(tools.nft, ['-j', 'list', 'table', 'inet', 'sallyport'], '')
  return listed.failure ?? parseSets(listed.output)
}

/** What was counted after `earlier`. */
export function attemptsSince(earlier: Attempts, all: Attempts): Attempts {
  const key = ({ protocol, address, port }: Destination): string => `${protocol} ${address} ${port}`
  const before = new Map(earlier.destinations.map((to) => [key(to), to.count]))
  const destinations = all.destinations
    .map((to) => ({ ...to, count: to.count - (before.get(key(to)) ?? 0) }))
    .filter(({ count }) => count > 0)
  return { destinations, full: all.full }
}

interface ListedSet {
  readonly name: string
  readonly elem?: readonly {
    readonly elem: {
      readonly val: { readonly concat: readonly (string | number)[] }
      readonly counter: { readonly packets: number }
    }
  }[]
}

/** Reads what `nft -j list table` prints. */
export function parseSets(json: string): Attempts {
  const { nftables } = JSON.parse(json) as { nftables: readonly { readonly set?: ListedSet }[] }
  const sets = nftables.flatMap(({ set }) => (set === undefined ? [] : [set]))
  const destinations = sets.flatMap(({ name, elem = [] }) =>
    elem.map(({ elem: { val, counter } }): Destination => {
      const [address = '', second = 0] = val.concat
      const protocol = name.startsWith('tcp') ? 'tcp' : name.startsWith('udp') ? 'udp' : 'other'
      return {
        protocol,
        address: String(address),
        ...(protocol === 'other' ? {} : { port: Number(second) }),
        count: counter.packets,
      }
    }),
  )
  return { destinations, full: sets.some(({ elem = [] }) => elem.length >= setSize) }
}

async function run(
  program: string,
  args: readonly string[],
  input: string,
): Promise<{ readonly output: string; readonly failure?: string }> {
  const child = spawn(program, args, { env: {}, stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.on('error', () => {}) // It may have ended already: its status says so.
  child.stdin.end(input)
  const ended = new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('close', (status) => resolve(status === 0 ? undefined : `exit ${status}`))
  })
  const [output, complaint, failure] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    ended,
  ])
  if (failure === undefined) return { output }
  return { output: '', failure: `${program}: ${complaint.trim().split('\n')[0] || failure}` }
}
