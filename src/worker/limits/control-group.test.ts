import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'

import { makeLimitGroup, type ControlGroupView } from './control-group.ts'

// Control groups in plain folders: what the kernel would make of a new one is there before.
const limits = { memoryBytes: 1 << 30, processes: 100 }
const name = 'sallyport-step-1-ab'

test('version 2: the group is made where both controllers are handed down, with every bound', (t) => {
  const machine = machineFor(t)
  machine.unified({
    '': 'memory pids',
    'user.slice': 'cpu memory pids',
    'user.slice/shell.scope': '',
  })
  const group = makeLimitGroup(name, limits, machine.view('0::/user.slice/shell.scope\n'))
  assert.equal(group?.kind, 'cgroup-v2')
  const [folder = ''] = group.folders
  assert.equal(folder, join(machine.top, 'user.slice', name))
  assert.deepEqual(machine.written(folder), {
    'memory.max': '1073741824',
    'pids.max': '100',
    'memory.swap.max': '0',
    'memory.oom.group': '1',
  })
})

test('version 2: a process is put into the group, and what the kernel counted is read', (t) => {
  const machine = machineFor(t)
  machine.unified({ '': 'memory pids' })
  const group = makeLimitGroup(name, limits, machine.view('0::/\n'))
  const [folder = ''] = group?.folders ?? []
  writeFileSync(
    join(folder, 'memory.events'),
    'low 0\nmax 9\noom 2\noom_kill 3\noom_group_kill 1\n',
  )
  writeFileSync(join(folder, 'pids.events'), 'max 7\n')
  assert.equal(group?.memoryKills(), 3)
  assert.equal(group?.refusedProcesses(), 7)
  group?.add(4711)
  assert.equal(machine.written(folder)['cgroup.procs'], '4711')
})

test('version 1: a group for each controller, below where this process is', (t) => {
  const machine = machineFor(t)
  mkdirSync(join(machine.top, 'memory/docker'), { recursive: true })
  mkdirSync(join(machine.top, 'pids'))
  const group = makeLimitGroup(name, limits, machine.view('9:memory:/docker\n8:pids:/\n0::/\n'))
  assert.equal(group?.kind, 'cgroup-v1')
  const [memory = '', pids = ''] = group.folders
  assert.equal(memory, join(machine.top, 'memory/docker', name))
  assert.deepEqual(machine.written(memory), {
    'memory.limit_in_bytes': '1073741824',
    'memory.memsw.limit_in_bytes': '1073741824',
  })
  assert.deepEqual(machine.written(pids), { 'pids.max': '100' })
})

test('without the right to make a group there is none', (t) => {
  const machine = machineFor(t)
  machine.unified({ '': 'cpu', own: '' })
  assert.equal(makeLimitGroup(name, limits, machine.view('0::/own\n')), undefined)
  const nowhere = { mounts: '', membership: '', makeFolder: () => {} }
  assert.equal(makeLimitGroup(name, limits, nowhere), undefined)
})

// What the kernel puts into the folder of a new group.
const files =
  'memory.max memory.swap.max memory.oom.group memory.limit_in_bytes memory.memsw.limit_in_bytes pids.max cgroup.procs'.split(
    ' ',
  )

interface Machine {
  readonly top: string
  /** Folder -> the controllers that it hands down. */
  unified(folders: Readonly<Record<string, string>>): void
  view(membership: string): ControlGroupView
  /** The files of a group that are not empty any more. */
  written(folder: string): Record<string, string>
}

function machineFor(t: TestContext): Machine {
  const top = mkdtempSync(join(tmpdir(), 'sallyport-groups-'))
  t.after(() => rmSync(top, { recursive: true }))
  return {
    top,
    unified: (folders) => {
      for (const [folder, handed] of Object.entries(folders)) {
        mkdirSync(join(top, folder), { recursive: true })
        writeFileSync(join(top, folder, 'cgroup.procs'), '')
        writeFileSync(join(top, folder, 'cgroup.subtree_control'), handed)
      }
    },
    view: (membership) => ({
      mounts: [
        `30 23 0:25 / ${top} rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate`,
        `31 23 0:26 / ${top}/memory rw,relatime shared:9 - cgroup cgroup rw,memory`,
        `32 23 0:27 / ${top}/pids rw,relatime - cgroup cgroup rw,pids`,
      ].join('\n'),
      membership,
      makeFolder: (path) => {
        mkdirSync(path)
        for (const file of files) writeFileSync(join(path, file), '')
      },
    }),
    written: (folder) =>
      Object.fromEntries(
        files
          .map((file): [string, string] => [file, readFileSync(join(folder, file), 'utf8')])
          .filter(([, content]) => content !== ''),
      ),
  }
}
