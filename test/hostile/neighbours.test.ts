import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  closeSync,
  openSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'

import type { Defence } from '../../src/worker/cell/defence.ts'
import { ipv4Address } from '../../src/worker/cell/socket-address.ts'
import { SyscallProgram } from '../../src/worker/cell/syscall-program.ts'
import { architectureOrThrow } from '../../src/worker/machine.ts'
import { attack, limits, placeFor, run, runSpec } from './harness.ts'
import { smallRoot, tarOf } from './small-root.ts'

const tool = { 'bin/tool': { content: '#!/bin/sh\necho clean\n', executable: true } }

attack('a tool cannot be changed for the commands that follow', () => ({
  // Two walls: the tree is mounted read-only, and belongs to another uid.
  without: ['read-only-trees', 'payload-uid'],
  script: `echo 'echo BREACH' >> /tool/t/bin/tool; tool`,
  spec: { mounts: [{ at: '/tool/t', tree: tarOf(tool) }] },
}))

attack('an output of an earlier step cannot be changed', () => ({
  without: ['read-only-trees', 'payload-uid'],
  script: 'echo evil > /in/first/a.tgz && echo BREACH',
  spec: { mounts: [{ at: '/in/first', tree: tarOf({ 'a.tgz': { content: 'good' } }) }] },
}))

attack('the system cannot be changed', () => ({
  without: ['read-only-trees', 'payload-uid'],
  script: 'cp /usr/bin/id /usr/bin/cat && echo BREACH',
}))

attack('a cache that builds share cannot be poisoned', ({ folder }) => {
  const entry = join(folder, 'package.tgz')
  writeFileSync(entry, 'good')
  chmodSync(entry, 0o666)
  return {
    without: ['hidden-host'],
    script: `echo evil > ${entry}; echo evil > /host${entry}`,
    worked: () => readFileSync(entry, 'utf8').includes('evil'),
  }
})

test('a build finds nothing of the build before it', async () => {
  const places = 'for place in $HOME /tmp /var/tmp /dev/shm /build; do'
  const first = await run({ without: [], script: `${places} echo evil > $place/left; done` })
  assert.equal(first.report?.outcome, 'succeeded')
  const second = await run({ without: [], script: `${places} cat $place/left; done; true` })
  assert.doesNotMatch(second.log, /evil/)
})

attack('a build beside it cannot be seen', () => {
  const mark = String(7_000_000 + process.pid)
  return {
    beside: () => startBeside(['sh', '-c', `echo up; exec sleep ${mark}`], []),
    without: ['process-namespaces'],
    script: `grep -qs ${mark.slice(0, -1)}[${mark.slice(-1)}] /proc/[0-9]*/cmdline && echo BREACH`,
  }
})

attack('a build beside it cannot be talked to over loopback', () => {
  // Below the ports that kernels give to whoever connects.
  const address = ipv4Address('127.0.0.1', 10_000 + (process.pid % 20_000))
  const server = new SyscallProgram(architectureOrThrow())
  const socket = server.call('socket', 2, 1, 0)
  server.call('bind', socket, server.bytes(address), address.length)
  server.call('listen', socket, 8)
  server.call('write', 1, server.text('up'), 2)
  server.call('accept4', socket, 0, 0, 0)
  server.call('accept4', socket, 0, 0, 0)
  const files = { server: { content: server.elf(), executable: true } }
  return {
    beside: (without) => startBeside(['/build/server'], without, files),
    without: ['network-namespace'],
    calls: (program) => {
      const client = program.call('socket', 2, 1, 0)
      const to = program.bytes(address)
      const connected = program.call('connect', client, to, address.length)
      return ({ result }) => result(connected) === 0
    },
  }
})

attack('an altered material is noticed before it is used', () => {
  const tree = tarOf(tool)
  // Somebody changes the blob in the store after it was verified.
  const bytes = readFileSync(tree.path)
  const at = bytes.indexOf('echo clean')
  bytes.write('echo DIRTY', at)
  writeFileSync(tree.path, bytes)
  return {
    without: ['material-hash'],
    script: 'tool',
    spec: { mounts: [{ at: '/tool/t', tree }] },
    worked: ({ log }) => log.includes('DIRTY'),
    refusedAs: 'WORKER_BLOB_MISMATCH',
  }
})

test('a material that became longer is noticed before it is used', async () => {
  const tree = tarOf(tool)
  appendFileSync(tree.path, Buffer.alloc(512))
  const { report, problems } = await run({
    without: [],
    script: 'tool',
    spec: { mounts: [{ at: '/tool/t', tree }] },
  })
  assert.equal(report, undefined)
  assert.equal(problems[0]?.code, 'WORKER_BLOB_MISMATCH')
})

test('a descriptor that the orchestrator inherited does not reach the commands', async (t) => {
  const place = placeFor(t)
  const path = join(place.folder, 'token')
  writeFileSync(path, 'SECRET-BREACH')
  for (const [without, expected] of [
    ['', false],
    ['closed-descriptors', true],
  ] as const) {
    const log = await withInheritedDescriptor(path, without)
    assert.equal(log.includes('SECRET-BREACH'), expected, `without ${without}: ${log}`)
  }
})

// Another process, because Node itself never leaves a descriptor open for its children.
async function withInheritedDescriptor(path: string, without: string): Promise<string> {
  const token = openSync(path, 'r')
  const none = Array.from({ length: 74 }, () => 'ignore' as const)
  const script = join(import.meta.dirname, 'inherited.ts')
  const child = spawn(process.execPath, [script, without], {
    stdio: ['ignore', 'pipe', 'inherit', ...none, token],
  })
  closeSync(token)
  return text(child.stdout as Readable)
}

/** Another step; resolves when its command said something, to how to end it. */
async function startBeside(
  command: readonly string[],
  without: readonly Defence[],
  files: Parameters<typeof tarOf>[0] = {},
): Promise<() => Promise<unknown>> {
  const over = new AbortController()
  const up = Promise.withResolvers<void>()
  const spec = {
    id: 'beside',
    commands: [command],
    cwd: '/build',
    env: {},
    root: smallRoot(),
    source: tarOf({ README: { content: 'x' }, ...files }),
    mounts: [],
    outputs: [],
    limits,
  }
  const other = runSpec(spec, { without }, { onOutput: up.resolve, signal: over.signal })
  await Promise.race([up.promise, other])
  return () => {
    over.abort()
    return other
  }
}
