import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'

import { SallyportError } from '#error'

import { checkSpec } from './check-spec.ts'
import type { StepSpec } from './step.ts'

const collect = mkdtempSync(join(tmpdir(), 'sallyport-spec-'))
after(() => rmSync(collect, { recursive: true }))

const blob = { path: '/blob', sha256: '0'.repeat(64), size: 1 }
const good: StepSpec = {
  id: 'build',
  commands: [['npm', 'ci', '']],
  cwd: '/build/packages/a',
  env: { CI: 'true', PATH: '/tool/node/bin' },
  root: blob,
  source: blob,
  mounts: [
    { at: '/tool/node', tree: blob },
    { at: '/in/first-step', tree: blob },
  ],
  outputs: [
    { path: 'dist/a.tgz', type: 'file' },
    { path: 'dist/b', type: 'directory' },
  ],
  limits: {
    memoryBytes: 1 << 30,
    processes: 100,
    diskBytes: 1 << 30,
    inodes: 10_000,
    wallSeconds: 60,
    outputBytes: 1 << 20,
    logBytes: 1 << 20,
  },
  collect,
}

test('a step that can be run is accepted', () => {
  checkSpec(good)
})

const bad: Readonly<Record<string, readonly [Partial<StepSpec>, string]>> = {
  'an id with a slash': [{ id: '../x' }, 'id'],
  'a command without a program': [{ commands: [['true'], []] }, 'commands[1]'],
  'an argument with a NUL': [{ commands: [['echo', 'a\0b']] }, 'commands[0]'],
  'a command of a megabyte': [{ commands: [['echo', 'x'.repeat(1 << 20)]] }, 'commands[0]'],
  'a folder outside of /build': [{ cwd: '/tmp' }, 'cwd'],
  'a folder that climbs': [{ cwd: '/build/../tmp' }, 'cwd'],
  'a variable that the worker sets': [{ env: { HOME: '/root' } }, 'env."HOME"'],
  'a registry beside the registry': [
    { env: { npm_config_registry: 'https://evil.example' }, npmRegistry: [] },
    'env."npm_config_registry"',
  ],
  'a variable with an equals sign': [{ env: { 'A=B': 'c' } }, 'env."A=B"'],
  'a tree over /build': [{ mounts: [{ at: '/build/x', tree: blob }] }, 'mounts[0].at'],
  'a tree over /proc': [{ mounts: [{ at: '/proc', tree: blob }] }, 'mounts[0].at'],
  'a tree at a relative path': [{ mounts: [{ at: 'tool', tree: blob }] }, 'mounts[0].at'],
  'a tree that climbs': [{ mounts: [{ at: '/tool/../etc', tree: blob }] }, 'mounts[0].at'],
  'a tree in a tree': [
    {
      mounts: [
        { at: '/tool', tree: blob },
        { at: '/tool/node', tree: blob },
      ],
    },
    'mounts[1].at',
  ],
  'an output that climbs': [{ outputs: [{ path: '../key', type: 'file' }] }, 'outputs[0].path'],
  'an absolute output': [{ outputs: [{ path: '/etc/passwd', type: 'file' }] }, 'outputs[0].path'],
  'an output named like an option': [
    { outputs: [{ path: '-x', type: 'file' }] },
    'outputs[0].path',
  ],
  'an output in an output': [
    {
      outputs: [
        { path: 'dist', type: 'directory' },
        { path: 'dist/a', type: 'file' },
      ],
    },
    'outputs[1].path',
  ],
  'no memory': [{ limits: { ...good.limits, memoryBytes: 0 } }, 'limits.memoryBytes'],
  'half a process': [{ limits: { ...good.limits, processes: 4.5 } }, 'limits.processes'],
  'time without end': [{ limits: { ...good.limits, wallSeconds: Infinity } }, 'limits.wallSeconds'],
  'a folder that is not empty': [{ collect: '/' }, 'collect'],
  'a folder that is not there': [{ collect: '/no/such/folder' }, 'collect'],
}
for (const [what, [change, where]] of Object.entries(bad)) {
  test(`a step with ${what} is refused`, () => {
    const problems = problemsOf({ ...good, ...change })
    assert.deepEqual(
      problems.map((problem) => [problem.code, problem.where]),
      [['WORKER_SPEC', where]],
    )
  })
}

test('all problems are said at once', () => {
  const problems = problemsOf({ ...good, id: '', cwd: '/', env: { TZ: 'x' } })
  assert.deepEqual(
    problems.map(({ where }) => where),
    ['id', 'cwd', 'env."TZ"'],
  )
})

function problemsOf(spec: StepSpec): readonly { code: string; where?: string }[] {
  try {
    checkSpec(spec)
  } catch (error) {
    assert.ok(error instanceof SallyportError)
    return error.problems
  }
  return assert.fail('accepted')
}
