// A hermetic build of this repository's HEAD beside the same commands without a sandbox, in turn, in the same run;
// the unchanged build; and the cold start of the command line.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeStart, percentile, startOf } from './machine.ts'
import { milliseconds, print } from './report.ts'

const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-build-'))
const clone = join(folder, 'clone')
const home = join(folder, 'home')
const main = join(process.cwd(), 'src/cli/main.ts')
try {
  run('git', ['clone', '--quiet', process.cwd(), clone], process.cwd())
  run(process.execPath, [main, 'init', '--home', home], clone)
  const artifact = artifactOf(sallyport(['build', '--no-reuse']).text)
  const sandboxed: number[] = []
  const plain: number[] = []
  for (let round = 0; round < 3; round += 1) {
    plain.push(unsandboxed())
    sandboxed.push(sallyport(['build', '--no-reuse']).time)
  }
  const ratios = sandboxed.map((time, index) => time / (plain[index] ?? Number.NaN))
  const again = sallyport(['build']).time
  const bare = nodeStart()
  const target = ['--environment', 'staging', '--service', 'sallyport']
  print('Build of this repository: install, compile, pack', [
    {
      what: 'in sandboxes, signed (whole command)',
      ours: `${milliseconds(percentile(sandboxed, 50))}, ${percentile(ratios, 50).toFixed(2)} x`,
      limit: `the same commands without: ${milliseconds(percentile(plain, 50))}`,
      bar: '<= 1.10 x',
    },
    {
      what: 'unchanged, made again',
      ours: milliseconds(again),
      limit: `node starts in ${milliseconds(bare)}`,
      bar: '<= 1 s',
    },
  ])
  const verify = startOf([main, 'verify', artifact, ...target, '--home', home], 5)
  const help = startOf([main, '--help'], 5)
  print('Command line, cold start', [
    {
      what: 'verify, recorded in the log',
      ours: milliseconds(verify),
      limit: `node starts in ${milliseconds(bare)}`,
    },
    { what: '--help', ours: milliseconds(help), limit: `node starts in ${milliseconds(bare)}` },
  ])
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function sallyport(args: readonly string[]): { readonly text: string; readonly time: number } {
  const started = performance.now()
  const text = run(process.execPath, [main, ...args, '--home', home, '--json'], clone)
  return { text, time: performance.now() - started }
}

/** The commands of the recipe, in a fresh export of the commit, with npm's own cache and no network needed. */
function unsandboxed(): number {
  const work = mkdtempSync(join(folder, 'plain-'))
  const archive = join(folder, 'source.tar')
  run('git', ['archive', '--output', archive, 'HEAD'], clone)
  const started = performance.now()
  run('tar', ['-xf', archive, '-C', work], clone)
  run('npm', ['ci', '--ignore-scripts', '--prefer-offline'], work)
  run('npm', ['run', 'build'], work)
  run('npm', ['pack', './build/package'], work)
  const time = performance.now() - started
  rmSync(work, { recursive: true, force: true })
  return time
}

function artifactOf(json: string): string {
  const found = /"(?:[^"\\]|\\.)*\.tgz"/.exec(json)?.[0]
  if (found === undefined) throw new Error(`no artifact in ${json.slice(0, 500)}`)
  return join(clone, JSON.parse(found) as string)
}

function run(command: string, args: readonly string[], cwd: string): string {
  const ended = spawnSync(command, args, { cwd, encoding: 'utf8', maxBuffer: 1 << 26 })
  if (ended.status === 0) return ended.stdout
  const log = join(tmpdir(), 'sallyport-bench.log')
  writeFileSync(log, `${ended.stdout}${ended.stderr}`)
  throw new Error(
    `${command} ${args.join(' ')} ended with ${ended.status}: ${readFileSync(log, 'utf8').slice(-800)}`,
  )
}
