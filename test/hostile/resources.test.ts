import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmdirSync } from 'node:fs'

import { attack, limits } from './harness.ts'

attack('a fork bomb stops at the limit of processes', () => ({
  without: ['process-limit'],
  script: 'n=0; while [ $n -lt 150 ]; do sleep 20 & n=$((n+1)); done; echo BREACH',
  spec: { limits: { ...limits, processes: 40 } },
  contained: ({ report }) => {
    assert.notEqual(report?.outcome, 'succeeded')
    if (report?.sandbox.limits !== 'rlimit') assert.deepEqual(report?.exhausted, ['processes'])
  },
}))

attack('memory stops at its limit, and the report says so', () => ({
  without: ['memory-limit'],
  // MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE
  calls: (program) => {
    const mapped = program.call('mmap', 0, 200 << 20, 3, 0x8022, -1, 0)
    return ({ result }) => result(mapped) > 0
  },
  spec: { limits: { ...limits, memoryBytes: 64 << 20 } },
  contained: ({ report }) => {
    if (report?.sandbox.limits === 'rlimit') return
    assert.equal(report?.outcome, 'out-of-memory')
    assert.deepEqual(report?.exhausted, ['memory'])
  },
}))

attack('the disk stops at its limit', () => ({
  without: ['disk-limit'],
  script: 'head -c 20000000 /dev/zero > big && echo BREACH',
  spec: { limits: { ...limits, diskBytes: 8 << 20 } },
  contained: ({ report }) => assert.deepEqual(report?.exhausted, ['disk']),
}))

for (const place of ['/tmp', '/var/tmp', '/dev/shm', '$HOME']) {
  attack(`${place} is part of the same limited disk`, () => ({
    without: ['disk-limit'],
    script: `head -c 20000000 /dev/zero > ${place}/big && echo BREACH`,
    spec: { limits: { ...limits, diskBytes: 8 << 20 } },
  }))
}

attack('the number of files stops at its limit', () => ({
  without: ['inode-limit'],
  script: 'mkdir many && seq 2000 | while read n; do : > many/$n || exit 1; done && echo BREACH',
  spec: { limits: { ...limits, inodes: 500 } },
  contained: ({ report }) => assert.deepEqual(report?.exhausted, ['inodes']),
}))

attack('time stops at its limit, whatever signals are ignored', () => ({
  without: ['time-limit'],
  script: `trap '' TERM INT HUP ALRM; sleep 2; echo BREACH`,
  spec: { limits: { ...limits, wallSeconds: 1 } },
  contained: ({ report }) => {
    assert.equal(report?.outcome, 'timed-out')
    assert.deepEqual(report?.exhausted, ['time'])
    assert.equal(report?.commands[0]?.signal, 'SIGKILL')
  },
}))

attack('a flood of output fills no disk', () => ({
  without: ['log-limit'],
  script: 'yes | head -c 3000000',
  spec: { limits: { ...limits, logBytes: 10_000 } },
  worked: ({ log }) => log.length > 10_000,
  contained: ({ report, log }) => {
    assert.equal(report?.outcome, 'succeeded')
    assert.equal(log.length, 10_000)
    assert.deepEqual(report?.log.truncated, true)
    assert.deepEqual(report?.exhausted, ['log'])
  },
}))

attack('no process survives its step', () => {
  const mark = `${9_000_000 + process.pid}`
  return {
    without: ['process-namespaces'],
    script: `setsid sleep ${mark} </dev/null >/dev/null 2>&1 & sleep 0.1`,
    worked: () => endSurvivors(mark) > 0,
  }
})

/** Counts processes with this argument, and ends them, with the control groups that they kept. */
function endSurvivors(mark: string): number {
  const found = readdirSync('/proc').filter((name) => read(`/proc/${name}/cmdline`).includes(mark))
  const groups = found.flatMap((pid) =>
    [...read(`/proc/${pid}/cgroup`).matchAll(/:([a-z,]*):(.*\/sallyport-step-[0-9a-f-]+)$/gm)].map(
      ([, controller, path]) => `/sys/fs/cgroup/${controller}${path}`,
    ),
  )
  found.forEach((pid) => process.kill(Number(pid), 'SIGKILL'))
  for (const group of new Set(groups)) removeWhenEmpty(group)
  return found.length
}

function removeWhenEmpty(group: string): void {
  for (let tries = 0; tries < 200_000; tries += 1) {
    try {
      return rmdirSync(group)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY') return
    }
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return '' // It ended in the meantime, or is no process.
  }
}
