#!/usr/bin/env node
// The candidate of run-vectors.mjs: one JSON object a line in, one out. See vectors-client.ts for what it answers.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

// Runners start this file with whatever `node` is on the path; the project's own comes first.
const own = fileURLToPath(new URL('../../node_modules/.bin/node', import.meta.url))
const node = existsSync(own) ? own : process.execPath
const client = fileURLToPath(new URL('./vectors-client.ts', import.meta.url))
spawn(node, [client], { stdio: 'inherit' }).on('exit', (code) => {
  process.exitCode = code ?? 1
})
