import { fixtures } from './fixtures.ts'
import { linesOf, runMain, type Ran } from './main.ts'

/** Runs one line of a story in its folder. */
export async function runCommand(words: readonly string[], dir: string): Promise<Ran> {
  const { env, rest } = withEnvironment(words)
  const [name = '', ...args] = rest
  if (name === 'sallyport') return await runMain(args, dir, env)
  const fixture = fixtures[name]
  if (fixture === undefined) throw new SyntaxError(`there is no command or fixture "${name}"`)
  const stdout = (await fixture(args, dir)) ?? ''
  return { exit: 0, stdout: linesOf(stdout, dir), stderr: [], raw: stdout }
}

/** `NAME=value` before a command is set for it, as in a shell. */
function withEnvironment(words: readonly string[]) {
  const end = words.findIndex((word) => !/^[A-Z_]+=/.test(word))
  const pairs = words.slice(0, end).map((word) => word.split(/=(.*)/s).slice(0, 2))
  return { env: Object.fromEntries(pairs) as Record<string, string>, rest: words.slice(end) }
}
