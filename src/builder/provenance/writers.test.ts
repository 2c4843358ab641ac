import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Statement } from '#attestation'
import { build } from '../build.ts'
import { emptyLock, newHome, newRepository, options, recipe, type Home } from '../testing/home.ts'
import { sourceWithMaterials } from '../testing/materials.ts'
import { tinyHost } from '../testing/tiny-host.ts'
import { pretendWorker } from '../testing/worker.ts'

const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')
const rows = readme
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => {
    const [, fields = '', writer = ''] = line.split('|')
    return {
      fields: [...fields.matchAll(/`([^`]+)`/g)].map(([, field = '']) => field),
      writer: writer.trim(),
    }
  })
const fields = rows.flatMap((row) => row.fields)

test('every field of provenance has exactly one writer, and every writer a field', async (t) => {
  const statements = [await materialsBuild(t), await twoStepBuild(t)]
  const leaves = new Set(statements.flatMap((statement) => [...leavesOf(statement).keys()]))
  for (const leaf of leaves)
    assert.equal(fields.filter((field) => matches(field, leaf)).length, 1, leaf)
  for (const field of fields)
    assert.ok(
      [...leaves].some((leaf) => matches(field, leaf)),
      `nothing is ${field}`,
    )
})

test('whatever a step writes, only the digests of what it wrote are other', async (t) => {
  const home = newHome(t)
  const { files } = await sourceWithMaterials(home.ports.blobs)
  const { path } = newRepository(home.folder, files)
  const host = tinyHost(home.folder)
  const forged = JSON.stringify({
    subject: [{ name: 'thing.txt', digest: { sha256: '0'.repeat(64) } }],
    predicate: {
      buildDefinition: { resolvedDependencies: [{ digest: { gitCommit: 'e'.repeat(40) } }] },
    },
  })
  const honest = await statementOf({ ...home, host }, path, 'hello')
  const hostile = leavesOf(await statementOf({ ...home, host }, path, forged))
  const changed = [...leavesOf(honest)].flatMap(([leaf, value]) =>
    hostile.get(leaf) === value ? [] : [leaf],
  )
  const digests =
    /^subject\.\*\.digest\.sha(256|512)$|^predicate\.runDetails\.byproducts\.\*\.(digest\.sha256|annotations\.(outputs\.thing\.txt|instance))$|^predicate\.runDetails\.metadata\.invocationId$/
  assert.deepEqual(
    changed.filter((leaf) => !digests.test(leaf)),
    [],
  )
  assert.ok(changed.includes('subject.*.digest.sha256'))
  assert.ok(!JSON.stringify([...hostile.values()]).includes('e'.repeat(40)))
})

async function statementOf(home: Home, path: string, content: string): Promise<Statement> {
  const { runStep } = pretendWorker(() => ({ 'thing.txt': content }))
  const { statement } = await build(
    { ...options(home, path), reuse: false },
    { ...home.ports, runStep },
  )
  return statement
}

async function materialsBuild(t: TestContext): Promise<Statement> {
  const home = newHome(t)
  const { files } = await sourceWithMaterials(home.ports.blobs)
  const { path } = newRepository(home.folder, files)
  return statementOf({ ...home, host: tinyHost(home.folder) }, path, 'x')
}

/** Two steps, a ref, and an attempt to reach a network. */
async function twoStepBuild(t: TestContext): Promise<Statement> {
  const home = newHome(t)
  const steps = [
    { id: 'make', run: [['true']], outputs: [{ path: 'part', type: 'file' }] },
    {
      id: 'join',
      inputs: ['make'],
      env: { A: 'b' },
      run: [['true']],
      outputs: [{ path: 'thing.txt', type: 'file' }],
    },
  ]
  const outputs = [{ step: 'join', path: 'thing.txt', mediaType: 'text/plain' }]
  const { path } = newRepository(home.folder, {
    'sallyport.build.json': recipe({ steps, outputs }),
    'sallyport.lock.json': emptyLock,
  })
  const attempts = [{ protocol: 'dns', name: 'registry.example', count: 2 }] as const
  const { runStep } = pretendWorker(
    () => ({ part: 'x', 'thing.txt': 'y' }),
    (report) => ({
      ...report,
      network: { mode: 'recorded', attempts, truncated: false },
      sandbox: { ...report.sandbox, namespaces: ['net'] },
    }),
  )
  const request = { repository: path, revision: 'main', ref: 'refs/heads/main' }
  const asked = { ...options({ ...home, host: tinyHost(home.folder) }, path), request }
  return (await build(asked, { ...home.ports, runStep })).statement
}

/** Every leaf by its path, list indexes as `*`; the values of one path together. */
function leavesOf(statement: Statement): Map<string, string> {
  const leaves = new Map<string, string>()
  const walk = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) {
      leaves.set(path, `${leaves.get(path) ?? ''}${JSON.stringify(value)}\n`)
    } else if (Array.isArray(value)) for (const item of value) walk(item, `${path}.*`)
    else
      for (const [key, item] of Object.entries(value))
        walk(item, path === '' ? key : `${path}.${key}`)
  }
  walk(statement, '')
  return leaves
}

/** `*` is one name (which may hold dots where it is the last), `**` any. */
function matches(field: string, leaf: string): boolean {
  const last = field.endsWith('.*') && !field.endsWith('.**')
  const pattern = (last ? field.slice(0, -1) : field)
    .split('.')
    .map((part) => (part === '**' ? '.+' : part === '*' ? '[^.]+' : part))
    .join('\\.')
  return new RegExp(`^${pattern}${last ? '.+' : ''}$`).test(leaf)
}
