// Changes one comparison, boolean, boundary or early return at a time, in a copy of the tree, and tells which changes no
// test notices. `npm run mutate -- --files src/core/policy/rules --sample 30 --seed 1`
import { spawn } from 'node:child_process'
import {
  cpSync,
  globSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { mutantsOf, sample, type Mutant } from './mutate/mutants.ts'

const { values } = parseArgs({
  options: {
    files: {
      type: 'string',
      multiple: true,
      default: [
        'src/core/policy/rules',
        'src/core/policy/kinds',
        'src/core/policy/judge-each.ts',
        'src/core/decision',
        'src/core/trust',
      ],
    },
    tests: { type: 'string', multiple: true, default: [] },
    sample: { type: 'string' },
    seed: { type: 'string', default: '1' },
    workers: { type: 'string', default: '2' },
    minimum: { type: 'string', default: '0' },
  },
})

/** A mutant that makes a test run for ever is noticed as well. */
const patience = 60_000
const root = resolve(import.meta.dirname, '..')

/** The tests that are about each folder, those that notice most first. */
const decisionTests = [
  'src/core/decision/matrix.test.ts',
  'src/core/decision/vectors.test.ts',
  'src/core/decision/boundaries.test.ts',
  'src/core/decision/decide.test.ts',
  'src/core/decision/image-signature.test.ts',
  'src/core/decision/signed-kinds.test.ts',
  'src/core/decision/oci/oci.test.ts',
  'src/core/decision/chain.test.ts',
  'src/core/decision/grade.test.ts',
  'src/core/decision/policy-times.test.ts',
  'src/core/policy/parse-policies.test.ts',
  'src/core/policy/rules/new-rules.test.ts',
  'src/core/policy/rules/custom.test.ts',
  'src/core/policy/rules/layout.test.ts',
  'src/core/decision/foreign-builds.test.ts',
]
const trustTests = [
  'src/core/trust/vectors.test.ts',
  'src/core/trust/verifier.test.ts',
  'src/core/trust/keyless.test.ts',
  'src/core/trust/parse-trust.test.ts',
]

const sources = values.files
  .flatMap((given) =>
    given.endsWith('.ts') ? [given] : globSync(`${given}/**/*.ts`, { cwd: root }),
  )
  .filter((file) => !file.endsWith('.test.ts') && !file.includes('/testing/'))
  .sort()
const texts = new Map(sources.map((file) => [file, readFileSync(join(root, file), 'utf8')]))
const all = [...texts].flatMap(([file, text]) => mutantsOf(file, text))
const chosen =
  values.sample === undefined ? all : sample(all, Number(values.sample), Number(values.seed))

const folder = mkdtempSync(join(tmpdir(), 'sallyport-mutate-'))
const survivors: Mutant[] = []
try {
  const trees = Array.from({ length: Number(values.workers) }, (_, index) =>
    copyTo(join(folder, String(index))),
  )
  const [first = ''] = trees
  const broken = await run(first, [...new Set([...decisionTests, ...trustTests])])
  if (broken !== undefined) throw new Error(`the tests fail without any change: ${broken}`)
  const queue = chosen.values()
  await Promise.all(
    trees.map(async (tree) => {
      for (const mutant of queue)
        if ((await tryOut(tree, mutant)) === undefined) survivors.push(mutant)
    }),
  )
} finally {
  rmSync(folder, { recursive: true, force: true })
}
report()

function copyTo(tree: string): string {
  for (const part of ['src', 'test/vectors', 'package.json', 'tsconfig.json', 'scripts/mutate']) {
    cpSync(join(root, part), join(tree, part), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'))
  return tree
}

/** The test that notices a change; undefined when none does. */
async function tryOut(
  tree: string,
  { file, start, end, replacement }: Mutant,
): Promise<string | undefined> {
  const text = texts.get(file) ?? ''
  writeFileSync(join(tree, file), `${text.slice(0, start)}${replacement}${text.slice(end)}`)
  try {
    return await run(tree, testsFor(file))
  } finally {
    writeFileSync(join(tree, file), text)
  }
}

function testsFor(file: string): readonly string[] {
  if (values.tests.length > 0) return values.tests
  return file.startsWith('src/core/trust') ? [...trustTests, ...decisionTests] : decisionTests
}

function run(tree: string, tests: readonly string[]): Promise<string | undefined> {
  const there = tests.filter((test) => globSync(test, { cwd: tree }).length > 0)
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['scripts/mutate/run-tests.ts', ...there], {
      cwd: tree,
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: patience,
    })
    let name = ''
    child.stdout.on('data', (bytes: Buffer) => (name += bytes.toString()))
    child.on('error', reject)
    child.on('close', (code) =>
      resolve(code === 0 ? undefined : name.trim() || `ended with ${String(code)}`),
    )
  })
}

function report(): void {
  const inOrder = survivors.toSorted((a, b) => chosen.indexOf(a) - chosen.indexOf(b))
  for (const { file, line, before, after } of inOrder) {
    process.stdout.write(`survived ${file}:${line}\n  - ${before.trim()}\n  + ${after.trim()}\n`)
  }
  const killed = chosen.length - survivors.length
  const percent = chosen.length === 0 ? 100 : Math.floor((killed * 1000) / chosen.length) / 10
  process.stdout.write(
    `${killed} of ${chosen.length} changes noticed (${percent} %), of ${all.length} in ${sources.length} files\n`,
  )
  if (percent < Number(values.minimum)) process.exitCode = 1
}
