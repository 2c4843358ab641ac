// Everything that can be said about the code without running it: types, lint, format.
import { spawnSync } from 'node:child_process'

const steps: readonly (readonly string[])[] = [
  ['tsc', '--noEmit'],
  ['oxlint', '--type-aware', '--deny-warnings', 'src', 'test', 'scripts', 'bench'],
  ['prettier', '--check', '--log-level', 'warn', '.'],
  ['node', 'scripts/docs.ts', '--check'],
]

let failed = 0
for (const [command = '', ...args] of steps) {
  const started = performance.now()
  const { status } = spawnSync(`node_modules/.bin/${command}`, args, { stdio: 'inherit' })
  if (status !== 0) failed += 1
  process.stdout.write(
    `${status === 0 ? 'ok  ' : 'FAIL'} ${command} ${args.join(' ')} (${Math.round(performance.now() - started)} ms)\n`,
  )
}
process.exitCode = failed === 0 ? 0 : 1
