#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { keepCompiledCode } from './compile-cache.ts'
import { tellUnplanned } from './unplanned.ts'

const argv = process.argv.slice(2)
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => {
    tellUnplanned(error, argv)
    process.exit(3)
  })
}
keepCompiledCode(argv, process.env)

// After the cache is open, so that it serves them.
const { commandOf } = await import('./invocation.ts')
const { endWithReaders } = await import('./readers.ts')
const { run } = await import('./run.ts')
const { terminalOf } = await import('./terminal.ts')

endWithReaders([process.stdout, process.stderr])

let command: string | undefined
process.exitCode = await run(argv, {
  cwd: process.cwd(),
  env: process.env,
  terminal: terminalOf(process.stdout, process.stderr),
  version: versionOf(),
  command: () =>
    (command ??= commandOf({
      main: import.meta.filename,
      execPath: process.execPath,
      cwd: process.cwd(),
      path: process.env['PATH'] ?? '',
    })),
  now: () => new Date(),
})

/** The version of the package this file is part of: two folders up in the source, as in what is published. */
function versionOf(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}
