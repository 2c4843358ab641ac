// The gate stopped, hung or without its registry means that nothing is admitted, in time, and that it works again after.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { skip, type Said } from './api-server.ts'
import { pod, templates } from './objects.ts'
import { until } from './processes.ts'
import { startWorld, type World } from './world.ts'

let world: World
const apply = (object: unknown): Promise<Said> =>
  world.cluster.kubectl(['apply', '-f', '-'], object)
/** Of the webhook in deploy/kubernetes. */
const timeoutMs = 10_000
/** For kubectl and a slow machine. */
const roomMs = 20_000

before(async () => {
  if (skip !== false) return
  world = await startWorld()
  const tools = join(world.home, 'policies/tools.yaml')
  const text = readFileSync(tools, 'utf8')
  assert.match(text, /whenUnavailable: deny/)
  writeFileSync(tools, text.replace('whenUnavailable: deny', 'whenUnavailable: allow'))
  await world.startGate()
  await world.cluster.kubectl(['create', 'namespace', 'shop'])
  await world.apply('webhook')
  const bad = pod('probe', world.bad)
  await until('the webhook is in force', async () => (await apply(bad)).exit !== 0)
  assert.equal((await apply(pod('first', world.good))).exit, 0)
  assert.equal((await apply(templates('first', world.good)[0])).exit, 0)
})

after(() => world?.stop())

async function nothingIsAdmitted(name: string, message: RegExp): Promise<void> {
  const began = performance.now()
  const said = await apply(pod(name, world.good))
  assert.equal(said.exit, 1, 'it was admitted')
  assert.match(said.stderr, message)
  assert.ok(performance.now() - began < timeoutMs + roomMs)
  const there = await world.cluster.kubectl(['get', 'pod', name, '-n', 'shop'])
  assert.match(there.stderr, /not found/)
}

async function worksAgain(name: string): Promise<void> {
  assert.equal((await apply(pod(name, world.good))).exit, 0)
  assert.match((await apply(pod(`${name}-bad`, world.bad))).stderr, /PROVENANCE_MISSING/)
}

test(
  'a gate that hangs admits nothing, and is not waited for longer than it says',
  { skip },
  async () => {
    world.gate().child.kill('SIGSTOP')
    try {
      await nothingIsAdmitted('hung', /failed calling webhook "gate\.sallyport\.dev"/)
      const label = ['label', 'pod', 'first', '-n', 'shop', 'tier=x']
      // Whether anything is deployed is for the gate to say: without it, no change of a pod goes through either.
      assert.equal((await world.cluster.kubectl(label)).exit, 1)
    } finally {
      world.gate().child.kill('SIGCONT')
    }
    await worksAgain('after-hanging')
  },
)

test(
  'a gate that is killed admits nothing, and what runs can still be scaled and deleted',
  { skip },
  async () => {
    await world.gate().kill('SIGKILL')
    await nothingIsAdmitted('killed', /failed calling webhook .*connection refused/)
    const remove = ['delete', 'pod', 'first', '-n', 'shop', '--now', '--wait=false']
    assert.equal((await world.cluster.kubectl(remove)).exit, 0)
    const scale = ['scale', 'deployment', 'first', '-n', 'shop', '--replicas=2']
    assert.equal((await world.cluster.kubectl(scale)).exit, 0)
    await world.startGate()
    await worksAgain('after-killing')
  },
)

test('a registry that is gone is an outage with its name, and no no', { skip }, async () => {
  const other = world.good.replace('/acme/shop@', '/acme/gone@')
  world.registry.fault(/\/v2\/acme\/gone/, 'error')
  try {
    const said = await apply(pod('unknown', other))
    assert.equal(said.exit, 1)
    assert.match(said.stderr, /ServiceUnavailable|could not be decided/)
    assert.match(said.stderr, /EVIDENCE_UNAVAILABLE/)
    assert.match(said.stderr, new RegExp(world.registry.host))
  } finally {
    world.registry.heal()
  }
})

test(
  'while a registry hangs, what comes with a pod counts, and where outages are let in, a deadline of whoever asks is none',
  { skip },
  async () => {
    const { carried, registry, cluster } = world
    await cluster.kubectl(['create', 'namespace', 'tools'])
    const inTools = (name: string) =>
      pod(name, world.bad.replace('/acme/shop@', '/acme/gone@'), { namespace: 'tools', labels: {} })
    registry.fault(/\/v2\//, 'hang')
    try {
      const path = '/api/v1/namespaces/tools/pods?timeout=2s'
      const hurried = await cluster.kubectl(
        ['create', '--raw', path, '-f', '-'],
        inTools('hurried'),
      )
      assert.match(hurried.stderr, /denied the request: .*ADMISSION_TIMEOUT.*with more time/s)
      const patient = await apply(inTools('patient'))
      assert.equal(patient.exit, 0, patient.stderr)
      assert.match(patient.stderr, /Warning: .*admitted-unavailable/)
      const annotations = { 'sallyport.dev/evidence': carried.evidence }
      const vouched = await apply(pod('vouched', carried.image, { annotations }))
      assert.equal(vouched.exit, 0, vouched.stderr)
    } finally {
      registry.heal()
    }
  },
)

test('the log holds every answer that was given, verifies and replays', { skip }, async () => {
  for (const work of ['verify', 'replay']) {
    const said = await world.sallyport('log', work)
    assert.equal(said.exit, 0, said.stderr)
  }
})
