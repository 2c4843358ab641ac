import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { parseBundle, splitAttestations } from '#attestation'
import { SallyportError } from '#error'
import { builderIds } from '#signer'
import { build, type BuildOptions, type BuildPorts } from './build.ts'
import { failureType } from './shelf.ts'
import { newHome, newRepository, options, source, testSigner, type Home } from './testing/home.ts'
import { sourceWithMaterials } from './testing/materials.ts'
import { tinyHost } from './testing/tiny-host.ts'
import { pretendWorker } from './testing/worker.ts'

async function refusal(promise: Promise<unknown>): Promise<SallyportError> {
  const error = await promise.then(
    () => assert.fail('was not refused'),
    (cause: unknown) => cause,
  )
  assert.ok(error instanceof SallyportError, String(error))
  for (const { fix } of error.problems) assert.match(fix, /^[A-Z]/)
  return error
}

/** A home whose worker pretends, and a build in it. */
function pretending(
  t: TestContext,
  make: Parameters<typeof pretendWorker>[0] = () => ({ 'thing.txt': 'made' }),
  change?: Parameters<typeof pretendWorker>[1],
): Home & { readonly specs: ReturnType<typeof pretendWorker>['specs'] } {
  const home = newHome(t)
  const { runStep, specs } = pretendWorker(make, change)
  const host = tinyHost(home.folder)
  return { ...home, ports: { ...home.ports, runStep }, host, specs }
}

function run(
  home: Home,
  path: string,
  change: Partial<BuildOptions> = {},
  ports: Partial<BuildPorts> = {},
) {
  return build({ ...options(home, path), ...change }, { ...home.ports, ...ports })
}

const files = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder).sort() : [])

test('a build puts the artifact and its signed provenance where they were asked for', async (t) => {
  const home = pretending(t)
  const { path, commit } = newRepository(home.folder, source('true'))
  const { artifacts, statement, reused, builderId } = await run(home, path)
  assert.equal(reused, false)
  assert.equal(builderId, builderIds.workstationMeasured)
  assert.deepEqual(files(home.output), ['thing.txt', 'thing.txt.sigstore.jsonl'])
  assert.equal(readFileSync(artifacts[0]?.path ?? '', 'utf8'), 'made')
  assert.equal(artifacts[0]?.sha256, statement.subject[0]?.digest?.['sha256'])
  const [line] = splitAttestations(readFileSync(artifacts[0]?.bundlePath ?? ''))
  const { content } = parseBundle(line ?? new Uint8Array())
  assert.ok(content.kind === 'dsseEnvelope')
  assert.match(
    Buffer.from(content.envelope.payload).toString(),
    new RegExp(`"gitCommit":"${commit}"`),
  )
})

test('an identical build is not made again, and a new key or a missing output makes it again', async (t) => {
  const home = pretending(t)
  const { path } = newRepository(home.folder, source('true'))
  await run(home, path)
  const again = await run(home, path)
  assert.deepEqual([again.reused, home.specs.length], [true, 1])
  assert.equal((await run(home, path, { reuse: false })).reused, false)
  assert.equal((await run(home, path, {}, { signer: testSigner() })).reused, false)
  const blobs = {
    ...home.ports.blobs,
    has: (sha256: string) =>
      sha256 === again.artifacts[0]?.sha256 ? Promise.resolve(false) : home.ports.blobs.has(sha256),
    path: home.ports.blobs.path.bind(home.ports.blobs),
    put: home.ports.blobs.put.bind(home.ports.blobs),
    putFile: home.ports.blobs.putFile.bind(home.ports.blobs),
    read: home.ports.blobs.read.bind(home.ports.blobs),
  }
  assert.equal((await run(home, path, {}, { blobs })).reused, false)
})

test('a shelved build that was tampered with is not used', async (t) => {
  const home = pretending(t)
  const { path } = newRepository(home.folder, source('true'))
  const other = newRepository(home.folder, source('false'))
  await run(home, path)
  const [first = ''] = files(home.ports.builds)
  await run(home, other.path)
  const second = files(home.ports.builds).find((name) => name !== first) ?? ''
  // The provenance of one build in the place of another, and no provenance at all.
  for (const bytes of [
    readFileSync(join(home.ports.builds, second)),
    Buffer.from('{}'),
    Buffer.from(''),
  ]) {
    writeFileSync(join(home.ports.builds, first), bytes)
    assert.equal((await run(home, path)).reused, false)
  }
})

test('attestations beside an artifact stay while it is the same, and go when it changes', async (t) => {
  let content = 'made'
  const home = pretending(t, () => ({ 'thing.txt': content }))
  const { path } = newRepository(home.folder, source('true'))
  const { artifacts } = await run(home, path)
  const bundlePath = artifacts[0]?.bundlePath ?? ''
  const approval =
    '{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[{"sig":"eA=="}]}'
  const lines = () => splitAttestations(readFileSync(bundlePath)).length
  writeFileSync(bundlePath, `${readFileSync(bundlePath, 'utf8')}${approval}\n`)
  await run(home, path)
  assert.equal(lines(), 2)
  content = 'made otherwise'
  await run(home, path, { reuse: false })
  assert.equal(lines(), 1)
})

test('what was built is the commit, not what lies in the working copy', async (t) => {
  const home = newHome(t)
  const { path } = newRepository(home.folder, source('cat told.txt > thing.txt', {}))
  writeFileSync(join(path, 'told.txt'), 'not committed')
  assert.equal((await refusal(run(home, path))).code, 'BUILD_STEP_FAILED')
})

test('a failed build leaves a record of the failure, and neither artifact nor provenance', async (t) => {
  const home = newHome(t)
  const { path } = newRepository(home.folder, source('echo some; echo words >&2; exit 7'))
  const error = await refusal(run(home, path))
  assert.equal(error.code, 'BUILD_STEP_FAILED')
  assert.match(error.found, /exit code 7/)
  assert.deepEqual(files(home.output), [])
  const [name = '', ...others] = files(home.ports.builds)
  assert.deepEqual(others, [])
  const record = JSON.parse(readFileSync(join(home.ports.builds, name), 'utf8')) as Record<
    string,
    unknown
  >
  assert.equal(record['type'], failureType)
  assert.equal(record['subject'], undefined)
  const [step] = record['steps'] as readonly { readonly log: { readonly sha256: string } }[]
  assert.match(readFileSync(home.ports.blobs.path(step?.log.sha256 ?? ''), 'utf8'), /some\nwords/)
})

test('the fix of a failed step tells what it reached for', async (t) => {
  const attempts = [{ protocol: 'dns' as const, name: 'registry.example', count: 1 }]
  const home = pretending(t, undefined, (report) => ({
    ...report,
    outcome: 'failed',
    commands: report.commands.map((one) => ({ ...one, exitCode: 1 })),
    network: { mode: 'recorded', attempts, truncated: false },
  }))
  const { path } = newRepository(home.folder, source('true'))
  assert.match((await refusal(run(home, path))).fix, /"registry\.example"/)
})

test('a probe that was not contained fails the build, and so does a sandbox without probes', async (t) => {
  const probe = { name: 'host-key-file', expected: 'ENOENT', found: 'read', contained: false }
  for (const probes of [[probe], []]) {
    const home = pretending(t, undefined, (report) => ({ ...report, probes }))
    const { path } = newRepository(home.folder, source('true'))
    assert.equal((await refusal(run(home, path))).code, 'BUILD_NOT_CONTAINED')
    assert.deepEqual(files(home.output), [])
  }
})

test('a report that cannot be is not believed', async (t) => {
  const secret = join(newHome(t).folder, 'secret')
  writeFileSync(secret, 'secret')
  const home = pretending(t)
  const { path } = newRepository(home.folder, source('true'))
  const output = { path: 'thing.txt', type: 'file', file: secret } as const
  const changes: readonly Parameters<typeof pretendWorker>[1][] = [
    (report) => ({ ...report, outputs: [output] }),
    (report) => ({ ...report, outputs: [] }),
    (report) => ({ ...report, outputs: [...report.outputs, ...report.outputs] }),
    (report, spec) => ({
      ...report,
      outputs: [{ ...output, file: join(spec.collect, '..', '..', 'x') }],
    }),
    (report, spec) => ({ ...report, outputs: [{ ...output, file: spec.collect }] }),
    (report) => ({
      ...report,
      outputs: report.outputs.map((one) => ({ ...one, type: 'directory' })),
    }),
    (report) => ({ ...report, environment: { ...report.environment, PATH: '/elsewhere' } }),
    (report) => ({ ...report, outcome: 'output-refused' }),
  ]
  for (const change of changes) {
    const { runStep } = pretendWorker(() => ({ 'thing.txt': 'x' }), change)
    const error = await refusal(run(home, path, {}, { runStep }))
    assert.equal(error.code, 'BUILD_WORKER_REPORT', error.message)
  }
  assert.deepEqual(files(home.output), [])
  assert.equal(readFileSync(secret, 'utf8'), 'secret')
})

test('a collected link to a key is not followed', async (t) => {
  const home = pretending(t)
  const { symlinkSync, rmSync, linkSync } = await import('node:fs')
  const secret = join(home.folder, 'secret')
  writeFileSync(secret, 'secret')
  const { path } = newRepository(home.folder, source('true'))
  for (const link of [symlinkSync, linkSync]) {
    const { runStep } = pretendWorker(
      () => ({ 'thing.txt': 'x' }),
      (report) => {
        const file = report.outputs[0]?.file ?? ''
        rmSync(file)
        link(secret, file)
        return report
      },
    )
    assert.equal((await refusal(run(home, path, {}, { runStep }))).code, 'BUILD_WORKER_REPORT')
  }
})

test('a workstation cannot build as the hosted builder', async (t) => {
  const home = pretending(t)
  const { path } = newRepository(home.folder, source('true'))
  const error = await refusal(run(home, path, { mode: 'hosted' }))
  assert.equal(error.code, 'BUILD_BUILDER_ID')
  assert.equal(home.specs.length, 0)
})

test('a pinned root that cannot be had fails; it never becomes a measured one', async (t) => {
  const home = pretending(t)
  const { path } = newRepository(home.folder, source('true'))
  const error = await refusal(run(home, path, { root: { kind: 'pinned' } }))
  assert.equal(error.code, 'LOCK_ROOT')
  assert.equal(home.specs.length, 0)
})

test('a repository that is not on the list of the builder is refused', async (t) => {
  const home = pretending(t)
  const { path } = newRepository(home.folder, source('true'))
  const allowedSources = [{ repository: 'git+https://git.example/acme/thing' }]
  assert.equal((await refusal(run(home, path, { allowedSources }))).code, 'SOURCE_NOT_ALLOWED')
})

test('a ref that does not contain the commit is refused, and one that does is in the provenance', async (t) => {
  const home = pretending(t)
  const { path, commit } = newRepository(home.folder, source('true'))
  const asked = (ref: string) =>
    run(home, path, { request: { repository: path, revision: commit, ref } })
  assert.equal((await refusal(asked('refs/heads/other'))).code, 'SOURCE_UNREACHABLE')
  const { statement } = await asked('refs/heads/main')
  assert.match(JSON.stringify(statement), /"uri":"git\+file:[^"@]*@refs\/heads\/main"/)
})

test('a source without recipe, or without lock, is refused with what to do', async (t) => {
  const home = pretending(t)
  const { 'sallyport.lock.json': lock, ...withoutLock } = source('true')
  const { 'sallyport.build.json': recipe, ...withoutRecipe } = source('true')
  assert.ok(lock !== recipe)
  const tried = async (content: typeof withoutLock) =>
    (await refusal(run(home, newRepository(home.folder, content).path))).code
  assert.equal(await tried(withoutLock), 'BUILD_LOCK_MISSING')
  assert.equal(await tried(withoutRecipe), 'RECIPE_MISSING')
})

test('every locked entry is needed: without any one of them there is no build', async (t) => {
  const home = pretending(t)
  const { lock } = await sourceWithMaterials(home.ports.blobs)
  for (const { id } of lock.entries) {
    const without = await sourceWithMaterials(home.ports.blobs, (whole) => ({
      ...whole,
      entries: whole.entries.filter((entry) => entry.id !== id),
    }))
    const { path } = newRepository(home.folder, without.files)
    assert.equal((await refusal(run(home, path))).code, 'LOCK_ENTRY_MISSING', id)
  }
  assert.equal(home.specs.length, 0)
})

test('an entry that nothing asks for, and a native lock that the lock does not know, are refused', async (t) => {
  const home = pretending(t)
  const { files: good } = await sourceWithMaterials(home.ports.blobs)
  const without = { ...good, 'sallyport.build.json': source('true')['sallyport.build.json'] ?? '' }
  const extra = newRepository(home.folder, without)
  assert.equal((await refusal(run(home, extra.path))).code, 'LOCK_ENTRY_EXTRA')
  const silent = { ...source('true'), 'package-lock.json': good['package-lock.json'] ?? '' }
  const unknown = newRepository(home.folder, silent)
  assert.equal((await refusal(run(home, unknown.path))).code, 'LOCK_NATIVE_CHANGED')
})

test('resolvedDependencies is exactly what the worker was given', async (t) => {
  const home = pretending(t)
  const { files: content } = await sourceWithMaterials(home.ports.blobs)
  const { path } = newRepository(home.folder, content)
  const { statement } = await run(home, path)
  const [spec] = home.specs
  assert.ok(spec !== undefined)
  const { resolvedDependencies, internalParameters } = definitionOf(statement)
  const listed = resolvedDependencies.map(({ digest }) => digest['sha256'])
  const given = [spec.root, spec.source, ...(spec.npmRegistry ?? []).map(({ tarball }) => tarball)]
  for (const { sha256 } of given) assert.ok(listed.includes(sha256))
  // A tool is mounted as the tree of its tarball; the definition has both.
  assert.deepEqual(
    spec.mounts.map(({ tree }) => tree.sha256),
    internalParameters.sallyport_mounts.map(({ tree }) => tree.sha256),
  )
  const roles = resolvedDependencies.map(({ annotations }) => annotations['roles']?.join() ?? '')
  const inSource = ['recipe', 'lock']
  const counted = roles.filter((role) => !inSource.includes(role) && role !== 'root-package')
  assert.deepEqual(counted.sort(), ['dependency', 'dependency', 'root', 'source', 'toolchain'])
  assert.deepEqual(spec.npmRegistry?.map(({ name }) => name).sort(), ['leaf', 'twig'])
})

test('the version of a subject comes from the commit', async (t) => {
  const home = pretending(t)
  const { files: content } = await sourceWithMaterials(home.ports.blobs)
  const { path } = newRepository(home.folder, content)
  const { statement } = await run(home, path)
  assert.deepEqual(statement.subject[0]?.annotations, { version: '2.3.4' })
})

test('a parameter reaches the command as one argument, and the provenance', async (t) => {
  const home = pretending(t)
  const { files: content } = await sourceWithMaterials(home.ports.blobs)
  const { path } = newRepository(home.folder, content)
  const asked = (whom: string) =>
    run(home, path, { request: { repository: path, revision: 'main', parameters: { whom } } })
  const { statement } = await asked('you')
  assert.deepEqual(home.specs[0]?.commands, [['greet', 'you']])
  assert.match(JSON.stringify(statement), /"parameters":\{"whom":"you"\}/)
  for (const whom of ['you; reboot', '$(id)', '--help', ''])
    assert.equal((await refusal(asked(whom))).code, 'BUILD_PARAMETER')
})

interface Definition {
  readonly resolvedDependencies: readonly {
    readonly digest: Readonly<Record<string, string>>
    readonly annotations: Readonly<Record<string, readonly string[] | undefined>>
  }[]
  readonly internalParameters: {
    readonly sallyport_mounts: readonly { readonly tree: { readonly sha256: string } }[]
  }
}

function definitionOf(statement: { readonly predicate: unknown }): Definition {
  return (statement.predicate as { readonly buildDefinition: Definition }).buildDefinition
}
