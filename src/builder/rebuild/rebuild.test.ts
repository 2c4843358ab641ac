import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { readProvenance, type Statement } from '#attestation'
import { SallyportError, type ProblemCode } from '#error'
import { build } from '../build.ts'
import { definitionDigest } from '../shelf.ts'
import { readDefinition } from '../definition/read.ts'
import { newHome, newRepository, options, type Home } from '../testing/home.ts'
import { sourceWithMaterials } from '../testing/materials.ts'
import { tinyHost } from '../testing/tiny-host.ts'
import { pretendWorker } from '../testing/worker.ts'
import { propertiesOf } from './properties.ts'
import { rebuild } from './rebuild.ts'

interface Built {
  readonly home: Home
  readonly statement: Statement
  readonly specs: ReturnType<typeof pretendWorker>['specs']
  /** Changes what later runs of the step make. */
  readonly makes: { content: string }
}

async function built(t: TestContext): Promise<Built> {
  const home = newHome(t)
  const makes = { content: 'made' }
  const { runStep, specs } = pretendWorker(() => ({ 'thing.txt': makes.content }))
  const { files } = await sourceWithMaterials(home.ports.blobs)
  const { path } = newRepository(home.folder, files)
  const ports = { ...home.ports, runStep }
  const asked = options({ ...home, host: tinyHost(home.folder) }, path)
  const { statement } = await build(asked, ports)
  return { home: { ...home, ports }, statement, specs, makes }
}

function again({ home }: Built, statement: Statement, fetch = false) {
  return rebuild(statement, { fetch, ports: home.ports })
}

async function refusal(promise: Promise<unknown>): Promise<ProblemCode> {
  const error = await promise.then(
    () => assert.fail('was not refused'),
    (cause: unknown) => cause,
  )
  assert.ok(error instanceof SallyportError, String(error))
  return error.code
}

/** The statement with one place of it changed, as a liar with the key could sign it. */
function lie(
  statement: Statement,
  change: (definition: Definition, copy: Statement) => unknown,
): Statement {
  const copy = structuredClone(statement)
  change((copy.predicate as unknown as { buildDefinition: Definition }).buildDefinition, copy)
  return copy
}

interface Definition {
  externalParameters: {
    source: { uri: string }
    recipe: { path: string }
    parameters: Record<string, string>
  }
  internalParameters: {
    sallyport_steps: { run: string[][]; env: Record<string, string> }[]
    sallyport_env: Record<string, string>
    sallyport_mounts: { tree: { sha256: string } }[]
    sallyport_outputs: { name: string }[]
    sallyport_limits: { memoryBytes: number }
    sallyport_sandbox: { network: string }
  }
  resolvedDependencies: {
    name: string
    uri: string
    digest: Record<string, string>
    annotations: { roles: string[]; committedAt?: string }
  }[]
}

const zero = '0'.repeat(64)

test('a rebuild from provenance alone gives the worker what the build gave it', async (t) => {
  const one = await built(t)
  const { verdict, outputs, definition } = await again(one, one.statement)
  assert.equal(verdict, 'reproduced')
  assert.equal(outputs[0]?.expected, outputs[0]?.found)
  assert.equal(definition, definitionDigest(readDefinition(one.statement)))
  const [first, second] = one.specs.map((spec) => ({ ...spec, collect: 'a folder of this run' }))
  assert.deepEqual(second, first)
})

test('an output that comes out otherwise is a difference, with its place', async (t) => {
  const one = await built(t)
  one.makes.content = 'mAde'
  const { verdict, outputs } = await again(one, one.statement)
  assert.equal(verdict, 'different')
  assert.equal(outputs[0]?.difference?.offset, 1)
  assert.deepEqual(outputs[0]?.difference?.sizes, [4, 4])
})

test('a false digest, and a subject that nobody built, are exposed', async (t) => {
  const one = await built(t)
  const other = lie(
    one.statement,
    (_, copy) => ((copy.subject[0]!.digest as Record<string, string>)['sha256'] = zero),
  )
  assert.equal((await again(one, other)).verdict, 'different')
  const more = lie(one.statement, (_, copy) =>
    (copy.subject as unknown[]).push({ name: 'evil', digest: { sha256: zero } }),
  )
  const { verdict, outputs } = await again(one, more)
  assert.equal(verdict, 'different')
  assert.deepEqual(outputs[1], { name: 'evil', expected: zero, found: undefined })
})

test('provenance whose steps do not follow from the recipe in the source is refused', async (t) => {
  const one = await built(t)
  const lies: readonly ((definition: Definition) => unknown)[] = [
    ({ internalParameters }) => internalParameters.sallyport_steps[0]!.run[0]!.push('--evil'),
    ({ internalParameters }) => (internalParameters.sallyport_steps[0]!.env['A'] = 'b'),
    ({ internalParameters }) => (internalParameters.sallyport_env['CC'] = 'evil'),
    ({ internalParameters }) => (internalParameters.sallyport_env['SOURCE_DATE_EPOCH'] = '1'),
    ({ internalParameters }) => (internalParameters.sallyport_outputs[0]!.name = 'other'),
    ({ internalParameters }) => (internalParameters.sallyport_limits.memoryBytes += 1),
    ({ externalParameters }) => (externalParameters.parameters['whom'] = 'you'),
    ({ externalParameters }) => (externalParameters.parameters = {}),
  ]
  for (const change of lies)
    assert.equal(
      await refusal(again(one, lie(one.statement, change))),
      'REBUILD_CONTRADICTION',
      String(change),
    )
  assert.equal(one.specs.length, 1)
})

test('provenance that names another recipe or lock than the commit has is refused', async (t) => {
  const one = await built(t)
  const other = (await one.home.ports.blobs.put(new TextEncoder().encode('{}'))).sha256
  for (const role of ['recipe', 'lock']) {
    const statement = lie(
      one.statement,
      ({ resolvedDependencies }) => (input(resolvedDependencies, role).digest['sha256'] = other),
    )
    assert.equal(await refusal(again(one, statement)), 'REBUILD_CONTRADICTION', role)
  }
})

test('provenance that leaves out any input is refused', async (t) => {
  const one = await built(t)
  const { resolvedDependencies } = readDefinition(one.statement)
  const needed = resolvedDependencies.filter(({ name }) => !name?.startsWith('deb:'))
  assert.ok(needed.length >= 7)
  for (const { name } of needed) {
    const statement = lie(one.statement, (definition) => {
      definition.resolvedDependencies = definition.resolvedDependencies.filter(
        (one) => one.name !== name,
      )
    })
    assert.equal(await refusal(again(one, statement)), 'REBUILD_INCOMPLETE', name)
  }
  assert.equal(one.specs.length, 1)
})

test('an input that is not what the lock says, or not identified, is refused', async (t) => {
  const one = await built(t)
  const cases: readonly (readonly [ProblemCode, (definition: Definition) => unknown])[] = [
    [
      'REBUILD_INCOMPLETE',
      ({ resolvedDependencies }) =>
        (input(resolvedDependencies, 'dependency').digest['sha256'] = zero),
    ],
    [
      'REBUILD_INCOMPLETE',
      ({ resolvedDependencies }) =>
        Reflect.deleteProperty(input(resolvedDependencies, 'root').digest, 'sha256'),
    ],
    [
      'REBUILD_INCOMPLETE',
      ({ resolvedDependencies }) => (input(resolvedDependencies, 'root').annotations.roles = []),
    ],
    [
      'REBUILD_INCOMPLETE',
      ({ resolvedDependencies }) => resolvedDependencies.push(input(resolvedDependencies, 'root')),
    ],
    [
      'REBUILD_CONTRADICTION',
      ({ resolvedDependencies }) =>
        resolvedDependencies.push({
          ...input(resolvedDependencies, 'dependency'),
          name: 'npm:more@1.0.0',
        }),
    ],
    [
      'REBUILD_INCOMPLETE',
      ({ internalParameters }) => (internalParameters.sallyport_mounts[0]!.tree.sha256 = zero),
    ],
    [
      'DOCUMENT_SHAPE',
      ({ internalParameters }) => (internalParameters.sallyport_sandbox.network = 'host'),
    ],
    [
      'DOCUMENT_UNKNOWN_FIELD',
      ({ externalParameters }) => Object.assign(externalParameters, { more: 1 }),
    ],
  ]
  for (const [code, change] of cases)
    assert.equal(await refusal(again(one, lie(one.statement, change))), code, String(change))
})

test('a rebuild without the network needs every blob in the store', async (t) => {
  const one = await built(t)
  const { resolvedDependencies } = readDefinition(one.statement)
  const hidden = { sha256: '' }
  const { blobs } = one.home.ports
  const partial = Object.assign(Object.create(blobs) as typeof blobs, {
    has: (sha256: string) =>
      sha256 === hidden.sha256 ? Promise.resolve(false) : blobs.has(sha256),
    path: (sha256: string) => blobs.path(sha256),
    put: (bytes: Uint8Array) => blobs.put(bytes),
    putFile: (path: string, sha256?: string) => blobs.putFile(path, sha256),
    read: (sha256: string) => blobs.read(sha256),
  })
  for (const role of ['source', 'root', 'toolchain', 'dependency']) {
    hidden.sha256 =
      resolvedDependencies.find(
        ({ annotations }) =>
          Array.isArray(annotations?.['roles']) && annotations['roles'].includes(role),
      )?.digest?.['sha256'] ?? ''
    const ports = { ...one.home.ports, blobs: partial }
    assert.equal(
      await refusal(rebuild(one.statement, { fetch: false, ports })),
      'BUILD_MATERIAL_MISSING',
      role,
    )
  }
})

test('a source that is gone from the store is fetched by its commit, and has the same digest', async (t) => {
  const one = await built(t)
  const elsewhere = newHome(t)
  // Another machine's store, with what cannot be fetched here: packages and root.
  for (const { digest, name } of readDefinition(one.statement).resolvedDependencies) {
    const sha256 = digest?.['sha256'] ?? ''
    if (name === 'source' || !(await one.home.ports.blobs.has(sha256))) continue
    await elsewhere.ports.blobs.put(await one.home.ports.blobs.read(sha256))
  }
  const ports = { ...elsewhere.ports, runStep: one.home.ports.runStep }
  assert.equal((await rebuild(one.statement, { fetch: true, ports })).verdict, 'reproduced')
})

test('statements of other kinds and build types are refused', async (t) => {
  const one = await built(t)
  const vsa = { ...one.statement, predicateType: 'https://slsa.dev/verification_summary/v1' }
  assert.equal(await refusal(again(one, vsa)), 'REBUILD_NOT_A_RECIPE')
  const foreign = lie(one.statement, (definition) =>
    Object.assign(definition, { buildType: 'https://example.com/x' }),
  )
  assert.equal(await refusal(again(one, foreign)), 'REBUILD_NOT_A_RECIPE')
})

test('hermetic, reproducible, verifiable and ephemeral are told apart, each with its evidence', async (t) => {
  const one = await built(t)
  const holds = (statement: Statement, result?: Awaited<ReturnType<typeof rebuild>>) =>
    Object.fromEntries(
      propertiesOf(readProvenance(statement), result).map(({ name, holds: is }) => [name, is]),
    )
  const yes = { hermetic: 'yes', verifiable: 'yes', ephemeral: 'yes' }
  assert.deepEqual(holds(one.statement), { ...yes, reproducible: 'unknown' })
  assert.deepEqual(holds(one.statement, await again(one, one.statement)), {
    ...yes,
    reproducible: 'yes',
  })
  one.makes.content = 'other'
  assert.deepEqual(holds(one.statement, await again(one, one.statement)), {
    ...yes,
    reproducible: 'no',
  })
  // Reproducible within minutes, but with a network: not hermetic.
  one.makes.content = 'made'
  const open = lie(
    one.statement,
    ({ internalParameters }) => (internalParameters.sallyport_sandbox.network = 'host'),
  )
  assert.deepEqual(holds(open, await again(one, one.statement)), {
    ...yes,
    hermetic: 'no',
    reproducible: 'yes',
  })
  for (const { evidence } of propertiesOf(readProvenance(one.statement)))
    assert.ok(evidence.length > 0)
})

function input(
  inputs: Definition['resolvedDependencies'],
  role: string,
): Definition['resolvedDependencies'][number] {
  const found = inputs.find(({ annotations }) => annotations.roles.includes(role))
  assert.ok(found !== undefined, role)
  return found
}
