import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import type { Defence } from '../../src/worker/cell/defence.ts'
import { attack, isRoot, run, type Place } from './harness.ts'
import { blobOf, smallRoot } from './small-root.ts'

// A user's build has the uid of the user's other processes: only that it cannot name them protects them. A build that
// root starts has a uid of its own besides.
const walls: readonly Defence[] = isRoot
  ? ['process-namespaces', 'unprivileged-cell', 'user-namespace', 'capabilities']
  : ['process-namespaces']

// Without privilege there is nothing to give away: the cell's user namespace stays, and is a second wall.
const secondWall = isRoot
  ? {}
  : { mayBeImpossible: 'the user namespace of the cell forbids it too' }

attack('a process of the host cannot be ended', async (place) => {
  const victim = await victimFor(place)
  return {
    without: walls,
    calls: (program) => {
      const killed = program.call('kill', victim.pid ?? 0, 9)
      return ({ result }) => result(killed) === 0
    },
  }
})

attack('a process of the host cannot be traced', async (place) => {
  const victim = await victimFor(place)
  return {
    without: walls,
    calls: (program) => {
      const attached = program.call('ptrace', 16, victim.pid ?? 0, 0, 0)
      return ({ result }) => result(attached) === 0
    },
    ...secondWall,
  }
})

attack('the environment of a process of the host cannot be read', async (place) => {
  const victim = await victimFor(place)
  return { without: walls, script: `cat /proc/${victim.pid}/environ`, ...secondWall }
})

attack('the files that a process of the host has open cannot be read', async (place) => {
  const victim = await victimFor(place)
  return {
    without: walls,
    script: `readlink /proc/${victim.pid}/exe | grep -q sleep && echo BREACH`,
    ...secondWall,
  }
})

test('a setuid program of the root gains nothing', async () => {
  const root = readFileSync(smallRoot().path)
  // The mode of the first program becomes 4755, and the checksum right again.
  root.write('0004755\0', 100)
  root.fill(0x20, 148, 156)
  const sum = root.subarray(0, 512).reduce((total, byte) => total + byte, 0)
  root.write(`${sum.toString(8).padStart(6, '0')}\0`, 148)
  const { report, log } = await run({
    without: [],
    script:
      'find / -xdev -perm /6000 2>/dev/null; cp /usr/bin/id own; chmod 6755 own; ./own -u; grep NoNewPrivs /proc/self/status',
    spec: { root: blobOf(root) },
  })
  assert.equal(report?.outcome, 'succeeded')
  assert.deepEqual(log.trim().split(/\s+/), ['1000', 'NoNewPrivs:', '1'])
})

test('the first process of a sandbox is as confined as the others', async () => {
  const { log } = await run({
    without: [],
    script: 'grep -hE "^(Seccomp|CapEff|NoNewPrivs):" /proc/1/status',
  })
  assert.deepEqual(log.trim().split(/\s+/), [
    'CapEff:',
    '0'.repeat(16),
    'NoNewPrivs:',
    '1',
    'Seccomp:',
    '2',
  ])
})

test('orphans are buried', async () => {
  const orphans = 'n=0; while [ $n -lt 30 ]; do (sleep 0.01 &) ; n=$((n+1)); done; sleep 0.3'
  const { log } = await run({
    without: [],
    script: `${orphans}; cat /proc/[0-9]*/stat | grep -c " Z " ; true`,
  })
  assert.equal(log.trim(), '0')
})

async function victimFor(place: Place): Promise<ChildProcess> {
  const victim = spawn('sleep', ['300'], {
    env: { ...process.env, TOKEN: 'BREACH' },
    stdio: 'ignore',
  })
  await once(victim, 'spawn')
  place.after(() => victim.kill('SIGKILL'))
  return victim
}
