import { spawnSync } from 'node:child_process'

import { SallyportError } from '#error'

import { architectureOf, type Architecture } from './cell/syscalls.ts'
import { findTools, type Tools } from './tools.ts'

export function toolsOrThrow(): Tools {
  const found = findTools()
  if ('problem' in found) throw new SallyportError(found.problem)
  return found.tools
}

export function architectureOrThrow(): Architecture {
  const architecture = process.platform === 'linux' ? architectureOf(process.arch) : undefined
  if (architecture !== undefined) return architecture
  throw new SallyportError({
    code: 'WORKER_MACHINE',
    expected: 'Linux on x86_64 or aarch64',
    found: `${process.platform} on ${process.arch}`,
    fix: 'Build on a Linux machine of one of these architectures.',
  })
}

const versions = new Map<string, string>()

/** What a program says that it is, such as `0.8.0`. */
export function versionOf(program: string): string {
  const known = versions.get(program)
  if (known !== undefined) return known
  const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8', env: {} })
  const version = /\d+(?:\.\d+)+\S*/.exec(stdout ?? '')?.[0] ?? 'unknown'
  versions.set(program, version)
  return version
}
