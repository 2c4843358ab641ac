import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

import { limits, placeFor, run, runSpec } from './harness.ts'
import { smallRoot, tarOf } from './small-root.ts'

const mark = String(8_000_000 + process.pid)
const longStep = {
  id: 'long',
  commands: [['sh', '-c', `sleep ${mark} & echo up; exec sleep ${mark}`]],
  cwd: '/build',
  env: {},
  root: smallRoot(),
  source: tarOf({ README: { content: 'x' } }),
  mounts: [],
  outputs: [],
  limits: { ...limits, wallSeconds: 600 },
}

test('nothing of a step is left when it is over', async () => {
  const { report } = await run({ without: [], script: `sleep ${mark} & mkdir -p /tmp/a; true` })
  assert.equal(report?.outcome, 'succeeded')
  assert.deepEqual(leftOf(process.pid), nothing)
})

test('nothing of a step is left when it is cancelled', async () => {
  const over = new AbortController()
  const options = { onOutput: () => over.abort(), signal: over.signal }
  const { report } = await runSpec(longStep, { without: [] }, options)
  assert.equal(report?.outcome, 'cancelled')
  assert.equal(report.commands[0]?.signal, 'SIGKILL')
  assert.deepEqual(leftOf(process.pid), nothing)
})

test('a step that is cancelled before it begins runs nothing', async () => {
  const { report } = await runSpec(longStep, { without: [] }, { signal: AbortSignal.abort() })
  assert.equal(report?.outcome, 'cancelled')
  assert.deepEqual(leftOf(process.pid), nothing)
})

test('nothing of a step is left when the worker refuses to go on', async () => {
  const source = { ...longStep.source, sha256: '0'.repeat(64) }
  const { problems } = await runSpec({ ...longStep, source })
  assert.equal(problems[0]?.code, 'WORKER_BLOB_MISMATCH')
  assert.deepEqual(leftOf(process.pid), nothing)
})

test('nothing of a step is left when the orchestrator is killed', async (t) => {
  const orchestrator = await startedElsewhere(placeFor(t).folder)
  orchestrator.kill('SIGKILL')
  await once(orchestrator, 'exit')
  await until(() => isEmpty(leftOf(orchestrator.pid ?? 0)))
})

test('nothing of a step is left when its supervisor is killed, and the caller hears of it', async (t) => {
  const orchestrator = await startedElsewhere(placeFor(t).folder)
  const supervisor = processesWith('supervisor.js').filter((pid) =>
    environmentless(pid, orchestrator.pid ?? 0),
  )
  assert.ok(supervisor.length > 0)
  supervisor.forEach((pid) => process.kill(pid, 'SIGKILL'))
  let said = ''
  for await (const chunk of orchestrator.stdout ?? []) said += String(chunk)
  assert.match(said, /WORKER_LOST/)
  assert.deepEqual(leftOf(orchestrator.pid ?? 0), nothing)
})

/** A process of its own that runs the long step, when that is running; what it cannot remove is left in `folder`. */
async function startedElsewhere(folder: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'long-step.ts'), mark], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, SALLYPORT_TEST_FOLDER: folder },
  })
  await once(child.stdout, 'data')
  return child
}

const nothing = { processes: [], folders: [], groups: [] }

/** What is on this machine of steps that a process ran. */
function leftOf(pid: number): { processes: number[]; folders: string[]; groups: string[] } {
  const name = `sallyport-step-${pid}-`
  const temporary = process.getuid?.() === 0 ? '/tmp' : (process.env['TMPDIR'] ?? '/tmp')
  return {
    processes: [...processesWith(mark), ...processesWith(name)],
    folders: readdirSync(temporary).filter((entry) => entry.startsWith(name)),
    groups: groupsBelow('/sys/fs/cgroup', 4).filter((path) => path.includes(name)),
  }
}

function isEmpty(left: ReturnType<typeof leftOf>): boolean {
  return Object.values(left).every((found) => found.length === 0)
}

function processesWith(text: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => {
      const line = read(`/proc/${name}/cmdline`)
      // The processes of this test name the mark as well.
      return line.includes(text) && !line.includes('long-step.ts')
    })
    .map(Number)
}

/** Whether a supervisor belongs to this orchestrator: its program is in that one's staging folder. */
function environmentless(pid: number, orchestrator: number): boolean {
  return (
    read(`/proc/${pid}/cmdline`).startsWith('/proc/self/fd/3\0') &&
    read(`/proc/${pid}/cmdline`).includes(`sallyport-step-${orchestrator}-`)
  )
}

function groupsBelow(folder: string, depth: number): string[] {
  if (depth === 0) return []
  try {
    const folders = readdirSync(folder, { withFileTypes: true }).filter((entry) =>
      entry.isDirectory(),
    )
    return folders.flatMap(({ name }) => [
      `${folder}/${name}`,
      ...groupsBelow(`${folder}/${name}`, depth - 1),
    ])
  } catch {
    return []
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

/** The kernel and the janitor need a moment; the test's own time limit is the only clock. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}
