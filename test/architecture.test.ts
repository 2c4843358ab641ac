import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { test } from 'node:test'

// The house, top to bottom: a module may import only modules listed above it, and of those only what stands here.
const core = [
  'error',
  'document',
  'package',
  'attestation',
  'merkle',
  'trust',
  'layout',
  'policy',
  'decision',
]
const house: Record<string, { folder: string; may: readonly string[] }> = {
  error: { folder: 'core/error', may: [] },
  document: { folder: 'core/document', may: ['error'] },
  package: { folder: 'core/package', may: ['error', 'document'] },
  attestation: { folder: 'core/attestation', may: ['error', 'document', 'package'] },
  merkle: { folder: 'core/merkle', may: ['error', 'document'] },
  trust: { folder: 'core/trust', may: ['error', 'document', 'package', 'attestation', 'merkle'] },
  layout: { folder: 'core/layout', may: ['error', 'document', 'attestation', 'trust'] },
  policy: {
    folder: 'core/policy',
    may: ['error', 'document', 'package', 'attestation', 'trust', 'layout'],
  },
  decision: { folder: 'core/decision', may: core.slice(0, -1) },
  config: { folder: 'config', may: core },
  api: { folder: 'api', may: core },
  signer: { folder: 'signer', may: ['error', 'document', 'attestation', 'merkle', 'trust'] },
  evidence: { folder: 'evidence', may: core },
  materials: { folder: 'materials', may: ['error', 'document', 'package', 'attestation'] },
  source: { folder: 'source', may: ['error', 'document', 'package', 'attestation', 'materials'] },
  log: { folder: 'log', may: core },
  events: { folder: 'events', may: ['error', 'document'] },
  breakglass: { folder: 'breakglass', may: [...core, 'log', 'events'] },
  worker: { folder: 'worker', may: ['error', 'document'] },
  builder: { folder: 'builder', may: [...core, 'signer', 'source', 'materials', 'worker'] },
  chokepoint: { folder: 'chokepoint', may: [...core, 'evidence', 'log'] },
  recheck: { folder: 'recheck', may: [...core, 'log'] },
  store: { folder: 'store', may: [...core, 'materials', 'log', 'builder', 'recheck', 'events'] },
  server: { folder: 'server', may: [...core, 'api', 'evidence', 'log', 'chokepoint'] },
  app: {
    folder: 'app',
    may: [
      ...core,
      'config',
      'api',
      'signer',
      'evidence',
      'source',
      'materials',
      'log',
      'worker',
      'builder',
      'chokepoint',
      'recheck',
      'store',
      'server',
      'events',
      'breakglass',
    ],
  },
  cli: { folder: 'cli', may: [...core, 'config', 'app'] },
}

const src = resolve(import.meta.dirname, '../src')
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
)

test('every file belongs to a module of the house', () => {
  assert.deepEqual(
    files.filter((file) => moduleOf(file) === undefined),
    [],
  )
})

test('a module imports only what the house allows', () => {
  const breaches = files.filter((file) => !isTest(file)).flatMap(breachesOf)
  assert.deepEqual(breaches, [])
})

test('the core touches nothing outside itself', () => {
  const impure =
    /from '(?:node:)?(?!crypto')(?:fs|http|https|net|child_process|os|process|timers|dns|worker_threads)|\bprocess\.|\bDate\.now\(|new Date\(\)|Math\.random\(|randomBytes|randomUUID|console\./
  const breaches = files
    .filter((file) => file.startsWith(`core${sep}`) && !isTest(file))
    .filter((file) => impure.test(readFileSync(join(src, file), 'utf8')))
  assert.deepEqual(breaches, [])
})

test('the imports map names exactly the modules of the house', () => {
  const { imports } = JSON.parse(readFileSync(join(src, '../package.json'), 'utf8')) as {
    imports: Record<string, string>
  }
  for (const [name, path] of Object.entries(imports)) {
    assert.equal(path, `./src/${house[name.slice(1)]?.folder}/index.ts`)
  }
})

function isTest(file: string): boolean {
  return /\.test\.ts$|\.case\.ts$|[/\\]testing[/\\]/.test(file)
}

function moduleOf(file: string): string | undefined {
  return Object.keys(house).find((name) =>
    file.startsWith(`${house[name]?.folder.replaceAll('/', sep)}${sep}`),
  )
}

function breachesOf(file: string): string[] {
  const owner = moduleOf(file)
  const allowed = new Set(house[owner ?? '']?.may)
  const text = readFileSync(join(src, file), 'utf8')
  const specifiers = [
    ...text.matchAll(
      /^\s*(?:import|export)\b(?:[^'"(=]*?\bfrom)?\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm,
    ),
  ]
  return specifiers.flatMap(([, still, dynamic]) => {
    const specifier = still ?? dynamic ?? ''
    if (specifier.startsWith('#'))
      return allowed.has(specifier.slice(1)) ? [] : [`${file} -> ${specifier}`]
    if (!specifier.startsWith('.')) return []
    const target = moduleOf(relative(src, resolve(src, dirname(file), specifier)))
    return target === owner ? [] : [`${file} -> ${specifier} (cross a module border by #name)`]
  })
}
