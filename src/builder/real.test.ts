import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { SallyportError } from '#error'
import { build } from './build.ts'
import { rebuild } from './rebuild/rebuild.ts'
import { newHome, newRepository, options, source } from './testing/home.ts'
import { sourceWithMaterials } from './testing/materials.ts'

const skip =
  spawnSync('bwrap', ['--version'], { stdio: 'ignore' }).status === 0
    ? false
    : 'bubblewrap is not installed'

test(
  'a locked tool runs in a sandbox, and a rebuild from the provenance gives the same bytes',
  { skip },
  async (t) => {
    const home = newHome(t)
    const { files } = await sourceWithMaterials(home.ports.blobs)
    const { path } = newRepository(home.folder, files)
    const { artifacts, statement } = await build(options(home, path), home.ports)
    assert.equal(readFileSync(artifacts[0]?.path ?? '', 'utf8'), 'hello world\n')
    const { verdict, steps } = await rebuild(statement, { fetch: false, ports: home.ports })
    assert.equal(verdict, 'reproduced')
    assert.equal(steps[0]?.network.attempts.length, 0)
  },
)

test(
  'a build that is not deterministic is found to be different when it is rebuilt',
  { skip },
  async (t) => {
    const home = newHome(t)
    const { path } = newRepository(
      home.folder,
      source('cat /proc/sys/kernel/random/uuid > thing.txt'),
    )
    const { statement } = await build(options(home, path), home.ports)
    const { verdict, outputs } = await rebuild(statement, { fetch: false, ports: home.ports })
    assert.equal(verdict, 'different')
    assert.ok(outputs[0]?.difference !== undefined)
  },
)

test('a build that is stopped leaves nothing that claims to be built', { skip }, async (t) => {
  const home = newHome(t)
  const { path } = newRepository(
    home.folder,
    source('echo begun; sleep 100; echo made > thing.txt'),
  )
  const stop = new AbortController()
  const ports = {
    ...home.ports,
    signal: stop.signal,
    onEvent: ({ kind }: { readonly kind: string }) => kind === 'step-output' && stop.abort(),
  }
  await assert.rejects(build(options(home, path), ports), (cause) => {
    assert.ok(cause instanceof SallyportError)
    return cause.code === 'BUILD_STEP_FAILED' && cause.fix.includes('again')
  })
})
