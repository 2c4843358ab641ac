import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'

import { SallyportError } from '#error'
import { checkSandbox, runStep, sandboxFacts, type StepSpec } from '#worker'

import { limits } from '../../test/hostile/harness.ts'
import { smallRoot, tarOf, type TarFile } from '../../test/hostile/small-root.ts'

test('commands run in order over one scratch, and their outputs are collected', async (t) => {
  const collect = folderFor(t)
  const report = await runStep({
    ...step({ 'a.txt': { content: 'hello\n' }, 'sub/b.txt': { content: 'b' } }),
    commands: [
      ['sh', '-c', 'cat a.txt > out.txt; mkdir dist; cp a.txt dist/copy; echo first'],
      ['sh', '-c', 'cat sub/b.txt >> out.txt; chmod +x dist/copy; echo second >&2'],
    ],
    outputs: [
      { path: 'out.txt', type: 'file' },
      { path: 'dist', type: 'directory' },
    ],
    collect,
  })
  assert.equal(report.outcome, 'succeeded')
  assert.deepEqual(
    report.commands.map(({ exitCode }) => exitCode),
    [0, 0],
  )
  assert.equal(readFileSync(report.log.path, 'utf8'), 'first\nsecond\n')
  const [out, dist] = report.outputs
  assert.equal(readFileSync(out?.file ?? '', 'utf8'), 'hello\nb')
  assert.equal(statSync(out?.file ?? '').uid, process.getuid?.())
  // The bytes depend on the files and SOURCE_DATE_EPOCH alone.
  const expected = tarOf({ copy: { content: 'hello\n', executable: true } }, 1_700_000_000)
  assert.deepEqual(readFileSync(dist?.file ?? ''), readFileSync(expected.path))
  assert.deepEqual(readdirSync(collect).sort(), ['log', 'output-0', 'output-1.tar'])
})

test('the first command that fails ends the step, and the report says how', async (t) => {
  const report = await runStep({
    ...step({}),
    commands: [['true'], ['sh', '-c', 'kill -SEGV $$'], ['sh', '-c', 'echo never']],
    outputs: [{ path: 'README', type: 'file' }],
    collect: folderFor(t),
  })
  assert.equal(report.outcome, 'failed')
  assert.deepEqual(
    report.commands.map(({ argv, exitCode }) => [argv[0], exitCode]),
    [
      ['true', 0],
      ['sh', 139],
    ],
  )
  assert.deepEqual(report.outputs, [])
})

test('a program that is not there fails with its name in the log', async (t) => {
  const collect = folderFor(t)
  const report = await runStep({ ...step({}), commands: [['no-such-program']], collect })
  assert.equal(report.outcome, 'failed')
  assert.match(readFileSync(report.log.path, 'utf8'), /no-such-program/)
})

test('the environment is what the report says, and nothing else', async (t) => {
  const collect = folderFor(t)
  const tool = { 'bin/tool': { content: '#!/bin/sh\nexec env\n', executable: true } }
  const report = await runStep({
    ...step({}),
    commands: [['tool']],
    env: { CI: 'true', SOURCE_DATE_EPOCH: '1' },
    mounts: [{ at: '/tool/t', tree: tarOf(tool) }],
    collect,
  })
  const seen = readFileSync(report.log.path, 'utf8').trim().split('\n').sort()
  const said = Object.entries(report.environment).map(([name, value]) => `${name}=${value}`)
  assert.deepEqual(seen, said)
  assert.equal(report.environment['PATH'], '/tool/t/bin:/usr/local/bin:/usr/bin:/bin')
})

test('every probe is contained, and the sandbox is described', async () => {
  const { problems, probes, sandbox } = await checkSandbox()
  assert.deepEqual(problems, [])
  assert.ok(probes.length > 50)
  assert.ok(probes.every(({ contained }) => contained))
  assert.deepEqual(sandbox?.namespaces, ['cgroup', 'ipc', 'mount', 'net', 'pid', 'user', 'uts'])
  assert.notEqual(sandbox?.uid, 0)
  const facts = sandboxFacts()
  assert.deepEqual([facts.limits, facts.rootless], [sandbox?.limits, sandbox?.rootless])
})

test('a root that cannot be unpacked safely is refused, and named', async (t) => {
  const spec = { ...step({}), root: tarOf({ tool: { linkname: '/tmp' } }), collect: folderFor(t) }
  const mounts = [{ at: '/tool/t', tree: tarOf({}) }]
  await assert.rejects(runStep({ ...spec, mounts }), (error: unknown) => {
    assert.ok(error instanceof SallyportError)
    assert.equal(error.code, 'WORKER_TREE_UNSAFE')
    assert.equal(error.where, 'the root')
    return true
  })
})

test('a missing blob is named before anything is started', async (t) => {
  const source = { path: '/no/such/blob', sha256: '0'.repeat(64), size: 3 }
  const spec = { ...step({}), source, collect: folderFor(t) }
  await assert.rejects(runStep(spec), { code: 'WORKER_BLOB_MISMATCH', where: 'the source' })
})

test('a folder that the source does not have cannot be worked in', async (t) => {
  const spec = { ...step({}), cwd: '/build/packages/a', collect: folderFor(t) }
  await assert.rejects(runStep(spec), { code: 'WORKER_SPEC', where: 'cwd' })
})

function step(files: Readonly<Record<string, TarFile>>): Omit<StepSpec, 'collect'> {
  return {
    id: 'step',
    commands: [['true']],
    cwd: '/build',
    env: { SOURCE_DATE_EPOCH: '1700000000' },
    root: smallRoot(),
    source: tarOf({ README: { content: 'source' }, ...files }),
    mounts: [],
    outputs: [],
    limits,
  }
}

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-run-step-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}
