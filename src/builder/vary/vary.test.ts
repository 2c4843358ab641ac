import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test, type TestContext } from 'node:test'
import type { BuildDefinition } from '#attestation'
import type { StepSpec } from '#worker'
import { defineBuild } from '../definition/define.ts'
import { gather } from '../gather.ts'
import { parseBuildRequest } from '../request.ts'
import { newHome, newRepository, source, type Home } from '../testing/home.ts'
import { tinyHost } from '../testing/tiny-host.ts'
import { pretendWorker } from '../testing/worker.ts'
import { varyBuild } from './vary.ts'

async function definitionOf(
  home: Home,
  script: string,
  measured?: Home['host'],
): Promise<BuildDefinition> {
  const { path } = newRepository(home.folder, source(script))
  const request = parseBuildRequest({ repository: path, revision: 'main' })
  const root = { kind: 'measured', ...(measured === undefined ? {} : { host: measured }) } as const
  return defineBuild(await gather(request, { root }, home.ports))
}

/** Varies a build whose output is what this function sees of its circumstances. */
async function vary(t: TestContext, sees: (spec: StepSpec) => string) {
  const home = newHome(t)
  const definition = await definitionOf(home, 'true', tinyHost(home.folder))
  const { runStep, specs } = pretendWorker((spec) => ({ 'thing.txt': sees(spec) }))
  const report = await varyBuild(definition, { ports: { ...home.ports, runStep } })
  return { report, specs }
}

const surroundings = () => ({
  umask: process.umask(),
  tz: process.env['TZ'],
  cpus: spawnSync('nproc').stdout.toString(),
})

test('a build that depends on nothing around it is reproducible, and the report says what was varied', async (t) => {
  const before = surroundings()
  const { report, specs } = await vary(t, () => 'the same')
  assert.equal(report.verdict, 'reproducible')
  assert.equal(specs.length, 2)
  const names = [...report.varied, ...report.notVaried].map(({ name }) => name).sort()
  assert.deepEqual(names, ['clock', 'cpus', 'locale', 'path', 'umask', 'user'])
  assert.ok(report.varied.length >= 3)
  for (const { reason } of report.notVaried) assert.ok(reason.length > 0)
  assert.deepEqual(surroundings(), before)
})

test('what changes the output is named', async (t) => {
  const cases = [
    ['umask', () => String(process.umask())],
    ['locale', () => new Date(0).toString()],
    ['path', (spec: StepSpec) => spec.collect.replace(/job-.*/, '')],
  ] as const
  const before = surroundings()
  for (const [name, sees] of cases) {
    const { report } = await vary(t, sees)
    assert.equal(report.verdict, 'different')
    assert.deepEqual(report.culprits, [name])
    assert.notEqual(report.outputs[0]?.expected, report.outputs[0]?.found)
  }
  assert.deepEqual(surroundings(), before)
})

test('a build that fails under other circumstances throws, and everything is as before', async (t) => {
  const before = surroundings()
  let runs = 0
  const failing = vary(t, () => {
    runs += 1
    if (runs > 1) throw new Error('failed')
    return ''
  })
  await assert.rejects(failing, /failed/)
  assert.deepEqual(surroundings(), before)
})

test('a real build does not see clock, CPUs, path or umask, unless it asks for them', async (t) => {
  if (spawnSync('bwrap', ['--version']).status !== 0) return t.skip('bubblewrap is not installed')
  const home = newHome(t)
  const blind = await definitionOf(
    home,
    'umask > thing.txt; pwd >> thing.txt; date -d @$SOURCE_DATE_EPOCH >> thing.txt',
  )
  const report = await varyBuild(blind, { ports: home.ports })
  assert.equal(report.verdict, 'reproducible')
  const varied = report.varied.map(({ name }) => name)
  if (!varied.includes('clock')) return
  const asking = await definitionOf(home, 'date +%Y > thing.txt')
  const other = await varyBuild(asking, { ports: home.ports, only: ['clock', 'umask'] })
  assert.deepEqual(other.culprits, ['clock'])
})
