import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseYaml } from '#document'

const root = resolve(import.meta.dirname, '../..')

export interface Ran {
  readonly exit: number
  readonly output: string
}

interface Action {
  readonly inputs: Readonly<
    Record<string, { readonly required?: boolean; readonly default?: string }>
  >
  readonly runs: { readonly using: string; readonly steps: readonly ActionStep[] }
}

interface ActionStep {
  readonly shell: string
  readonly run: string
  readonly env?: Readonly<Record<string, string>>
}

interface Template {
  readonly '.sallyport-gate': {
    readonly variables: Readonly<Record<string, string>>
    readonly id_tokens: Readonly<Record<string, { readonly aud: string }>>
    readonly script: readonly string[]
    readonly artifacts: { readonly paths: readonly string[] }
  }
}

export function readAction(): Action {
  const file = join(root, 'deploy/github/action.yml')
  return parseYaml(readFileSync(file), { file }).value as unknown as Action
}

export function readTemplate(): Template['.sallyport-gate'] {
  const file = join(root, 'deploy/gitlab/sallyport.gitlab-ci.yml')
  return (parseYaml(readFileSync(file), { file }).value as unknown as Template)['.sallyport-gate']
}

/**
 * A fake of the runner of GitHub, which cannot run here: it puts inputs in place of expressions, in `run` too, as the real
 * one does, and runs each step with the shell that the action names. Steps and shells are real.
 */
export async function runAction(
  given: Readonly<Record<string, string>>,
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const { inputs, runs } = readAction()
  const unknown = Object.keys(given).filter((name) => inputs[name] === undefined)
  if (unknown.length > 0) throw new Error(`the action has no input ${unknown.join(', ')}`)
  const fill = (text: string): string =>
    text.replaceAll(
      /\$\{\{ inputs\.([\w-]+) \}\}/g,
      (_, name: string) => given[name] ?? inputs[name]?.default ?? '',
    )
  const outputs: string[] = []
  for (const step of runs.steps) {
    const own = Object.entries(step.env ?? {}).map(([name, value]) => [name, fill(value)] as const)
    const ran = await shell(fill(step.run), cwd, {
      GITHUB_ACTIONS: 'true',
      GITHUB_ACTION_PATH: join(root, 'deploy/github'),
      ...env,
      ...Object.fromEntries(own),
    })
    outputs.push(ran.output)
    if (ran.exit !== 0) return { exit: ran.exit, output: outputs.join('') }
  }
  return { exit: 0, output: outputs.join('') }
}

/** A fake of the runner of GitLab: variables of the job over those of the template, and the lines of its script as one. */
export async function runTemplate(
  variables: Readonly<Record<string, string>>,
  cwd: string,
  token: string,
): Promise<Ran> {
  const template = readTemplate()
  const tokens = Object.keys(template.id_tokens).map((name) => [name, token] as const)
  return await shell(['set -e', ...template.script].join('\n'), cwd, {
    GITLAB_CI: 'true',
    GITLAB_USER_LOGIN: 'dave',
    ...template.variables,
    SALLYPORT_ROOT: root,
    ...Object.fromEntries(tokens),
    ...variables,
  })
}

function shell(text: string, cwd: string, env: Readonly<Record<string, string>>): Promise<Ran> {
  return new Promise((resolveRan, reject) => {
    const child = spawn('sh', ['-e', '-c', text], {
      cwd,
      env: { PATH: process.env['PATH'], HOME: cwd, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString('utf8')
      })
    child.once('error', reject)
    child.once('close', (code) => resolveRan({ exit: code ?? -1, output }))
  })
}
