import { readdirSync } from 'node:fs'

import { quote, SallyportError, type Problem } from '#error'

import type { Limits, StepSpec } from './step.ts'

const identifier = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
const variable = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/
const segment = /^[A-Za-z0-9._@+][A-Za-z0-9._@+-]{0,254}$/
// What the worker itself sets, so that it is the same in every build.
const fixedVariables = ['HOME', 'LC_ALL', 'LOGNAME', 'PWD', 'TMPDIR', 'TZ', 'USER']
const taken = ['build', 'dev', 'etc', 'home', 'proc', 'sys', 'tmp', 'var']
const maxArguments = 128 * 1024

/** Refuses, with all problems at once, what could not be run as it says. */
export function checkSpec(spec: StepSpec): void {
  SallyportError.throwAll([
    ...checkId(spec),
    ...checkCommands(spec),
    ...checkEnvironment(spec),
    ...checkMounts(spec),
    ...checkOutputs(spec),
    ...checkLimits(spec.limits),
    ...checkCollect(spec.collect),
  ])
}

function problem(where: string, expected: string, found: string, fix: string): Problem {
  return { code: 'WORKER_SPEC', where, expected, found, fix }
}

function checkId({ id }: StepSpec): Problem[] {
  if (identifier.test(id)) return []
  return [
    problem(
      'id',
      'letters, digits, dots, dashes and underscores, at most 64',
      quote(id),
      'Rename the step in the recipe.',
    ),
  ]
}

function checkCommands({ commands, cwd }: StepSpec): Problem[] {
  const problems = commands.flatMap((argv, index) => {
    const size = argv.reduce((sum, text) => sum + Buffer.byteLength(text) + 1, 0)
    if (argv[0] !== undefined && argv[0] !== '' && size <= maxArguments && !argv.some(hasNul))
      return []
    return [
      problem(
        `commands[${index}]`,
        `a program and its arguments, without NUL, at most ${maxArguments} bytes`,
        `${quote(argv)} (${size} bytes)`,
        'Write the command as a list of strings in the recipe, or move it into a script of the source.',
      ),
    ]
  })
  if (cwd === '/build' || (cwd.startsWith('/build/') && isPath(cwd.slice('/build/'.length))))
    return problems
  return [
    ...problems,
    problem('cwd', '/build or a directory below it', quote(cwd), 'Correct "cwd" in the recipe.'),
  ]
}

function checkEnvironment({ env, npmRegistry }: StepSpec): Problem[] {
  return Object.entries(env).flatMap(([name, value]) => {
    const reserved =
      fixedVariables.includes(name) ||
      (npmRegistry !== undefined && /^npm_config_registry$/i.test(name))
    if (variable.test(name) && !reserved && !hasNul(value)) return []
    return [
      problem(
        `env.${quote(name)}`,
        `a variable that is not one of ${fixedVariables.join(', ')}, and a value without NUL`,
        quote(value),
        `Remove ${quote(name)} from "env" in the recipe.`,
      ),
    ]
  })
}

function checkMounts({ mounts }: StepSpec): Problem[] {
  return mounts.flatMap(({ at }, index) => {
    const path = at.slice(1)
    const others = mounts.filter((_, other) => other !== index).map((mount) => mount.at)
    const nested = others.some((other) => at === other || at.startsWith(`${other}/`))
    const free = !taken.includes(path.split('/')[0] ?? '')
    if (at.startsWith('/') && isPath(path) && free && !nested) return []
    return [
      problem(
        `mounts[${index}].at`,
        `an absolute path of its own, such as /tool/node, not below ${taken.map((name) => `/${name}`).join(', ')}`,
        quote(at),
        'Choose another place for this tree in the recipe.',
      ),
    ]
  })
}

function checkOutputs({ outputs }: StepSpec): Problem[] {
  return outputs.flatMap(({ path }, index) => {
    const others = outputs.filter((_, other) => other !== index)
    const nested = others.some((other) => path === other.path || path.startsWith(`${other.path}/`))
    if (isPath(path) && !nested) return []
    return [
      problem(
        `outputs[${index}].path`,
        'a path relative to /build, of letters, digits and ._@+-, not inside another output',
        quote(path),
        'Correct "outputs" in the recipe.',
      ),
    ]
  })
}

const bounds: Readonly<Record<keyof Limits, readonly [number, number]>> = {
  memoryBytes: [16 << 20, 2 ** 44],
  processes: [4, 1 << 20],
  diskBytes: [1 << 20, 2 ** 44],
  inodes: [64, 1 << 27],
  wallSeconds: [1, 24 * 3600],
  outputBytes: [0, 2 ** 44],
  logBytes: [0, 1 << 30],
}

function checkLimits(limits: Limits): Problem[] {
  return Object.entries(bounds).flatMap(([name, [least, most]]) => {
    const value = limits[name as keyof Limits]
    if (Number.isSafeInteger(value) && value >= least && value <= most) return []
    return [
      problem(
        `limits.${name}`,
        `a whole number from ${least} to ${most}`,
        String(value),
        `Correct "limits" in the recipe.`,
      ),
    ]
  })
}

function checkCollect(collect: string): Problem[] {
  try {
    if (collect.startsWith('/') && readdirSync(collect).length === 0) return []
  } catch {
    // Said below.
  }
  return [problem('collect', 'an empty folder', quote(collect), 'Make a new folder for each step.')]
}

function isPath(path: string): boolean {
  return path.split('/').every((part) => segment.test(part) && part !== '.' && part !== '..')
}

function hasNul(text: string): boolean {
  return text.includes('\0')
}
