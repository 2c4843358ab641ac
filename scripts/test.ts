// What `npm test` (and so `npm cit` and .ci/run) does: say everything about the code without running it, then run it.
// Arguments narrow the run: `npm test -- unit`, `npm test -- hostile`.
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'

interface Suite {
  readonly name: string
  readonly files: string
  /** Suites that start builds, processes or kill them run one file at a time. */
  readonly concurrency: number
}

const suites: readonly Suite[] = [
  { name: 'unit', files: '{src,test}/**/*.test.ts', concurrency: 2 },
  { name: 'crash', files: 'test/crash/**/*.test.ts', concurrency: 1 },
  { name: 'hostile', files: 'test/hostile/**/*.test.ts', concurrency: 1 },
  { name: 'scenarios', files: 'test/scenarios/**/*.test.ts', concurrency: 1 },
  { name: 'story', files: 'test/story/**/*.test.ts', concurrency: 1 },
  { name: 'peers', files: 'test/peers/**/*.test.ts', concurrency: 1 },
  { name: 'server', files: 'test/server/**/*.test.ts', concurrency: 1 },
  { name: 'kubernetes', files: 'test/kubernetes/**/*.test.ts', concurrency: 1 },
]
const ownFolder = /^test\/(?:crash|hostile|scenarios|story|peers|server|kubernetes)\//

const asked = process.argv.slice(2)
const failed: string[] = []
const summary: string[] = []
let passed = 0
let failures = 0
let skipped = 0

if (asked.length === 0 || asked.includes('check')) run('check', [['scripts/check.ts']])
for (const suite of suites) {
  if (asked.length > 0 && !asked.includes(suite.name)) continue
  const files = globSync(suite.files)
    .filter((file) => suite.name !== 'unit' || !ownFolder.test(file))
    .sort()
  if (files.length === 0) continue
  run(suite.name, [
    [
      '--test',
      `--test-concurrency=${suite.concurrency}`,
      '--test-reporter=dot',
      '--test-reporter-destination=stderr',
      '--test-reporter=spec',
      '--test-reporter-destination=stdout',
      ...files,
    ],
  ])
}

process.stdout.write(
  `\n${summary.join('\n')}\n\n${passed} passed, ${failures} failed, ${skipped} skipped\n`,
)
process.exitCode = failed.length === 0 ? 0 : 1

function run(name: string, commands: readonly (readonly string[])[]): void {
  const started = performance.now()
  let ok = true
  for (const args of commands) {
    const result = spawnSync(process.execPath, args, {
      stdio: ['ignore', name === 'check' ? 'inherit' : 'pipe', 'inherit'],
      encoding: 'utf8',
      maxBuffer: 512 * 1024 * 1024,
    })
    ok &&= result.status === 0
    if (name !== 'check') tell(result.stdout, result.status === 0)
  }
  if (!ok) failed.push(name)
  summary.push(
    `${ok ? 'ok  ' : 'FAIL'} ${name.padEnd(10)} ${((performance.now() - started) / 1000).toFixed(1)} s`,
  )
}

/** Prints why tests were skipped, what was measured and what failed, and adds up what the test runner closes with. */
function tell(output: string, ok: boolean): void {
  const number = (word: string): number =>
    Number(new RegExp(`^ℹ ${word} (\\d+)$`, 'm').exec(output)?.[1] ?? 0)
  passed += number('pass')
  failures += number('fail')
  skipped += number('skipped')
  if (!ok) process.stdout.write(output)
  else
    for (const line of output.split('\n'))
      if (/﹣|ℹ measured: /.test(line)) process.stdout.write(`${line}\n`)
}
