// Runs the unit tests and keeps one example of every Problem that they make, for docs/reference/problems.md. A code whose
// example is there already keeps it, so that the page changes only with what it tells; `--renew` takes new ones.
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { catalogue, type Problem } from '#error'

const page = 'docs/reference/problem-examples.json'
const folder = mkdtempSync(join(tmpdir(), 'sallyport-examples-'))
const noted = join(folder, 'noted.jsonl')
const tests = globSync([
  'src/**/*.test.ts',
  'test/{scenarios,crash,hostile,server,proxies,registry}/*.test.ts',
])
const watch = new URL('examples/watch.ts', import.meta.url).href
spawnSync(process.execPath, ['--test', '--test-concurrency=2', ...tests], {
  stdio: ['ignore', 'ignore', 'inherit'],
  env: {
    ...process.env,
    // Programs that a test starts note theirs, too.
    NODE_OPTIONS: `--import=${watch}`,
    SALLYPORT_EXAMPLES_FILE: noted,
    TMPDIR: folder,
  },
})

const examples = new Map<string, Problem>()
for (const line of existsSync(noted) ? readFileSync(noted, 'utf8').trim().split('\n') : []) {
  const problem = withoutPlaces(JSON.parse(line) as Problem)
  const old = examples.get(problem.code)
  if (old === undefined || isBetter(problem, old)) examples.set(problem.code, problem)
}
rmSync(folder, { recursive: true })

const kept = process.argv.includes('--renew') || !existsSync(page) ? {} : read()
const all = Object.keys(catalogue)
  .sort()
  .flatMap((code) => {
    const example = kept[code] ?? examples.get(code)
    return example === undefined ? [] : [[code, example]]
  })
writeFileSync(page, `${JSON.stringify(Object.fromEntries(all), null, 2)}\n`)
const missing = Object.keys(catalogue).filter((code) => !all.some(([known]) => known === code))
process.stdout.write(`${all.length} examples; none of ${missing.length}: ${missing.join(', ')}\n`)

function read(): Readonly<Record<string, Problem>> {
  return JSON.parse(readFileSync(page, 'utf8')) as Record<string, Problem>
}

/** Where a test happened to run is nothing to read about. */
function withoutPlaces(problem: Problem): Problem {
  const told = Object.entries(problem).map(([field, text]) => [
    field,
    String(text)
      .replaceAll(process.cwd(), '/home/you/shop')
      .replaceAll(/\/[^\s"'`]*sallyport-[\w-]+(?=[/\s"'`]|$)/g, '/home/you/shop')
      .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:8443'),
  ])
  return Object.fromEntries(told) as Problem
}

/** One that reads like life: whole, and not longer than it must be. */
function isBetter(one: Problem, other: Problem): boolean {
  return weight(one) < weight(other)
}

function weight(problem: Problem): number {
  const length = JSON.stringify(problem).length
  return length < 120 ? 10_000 - length : length
}
