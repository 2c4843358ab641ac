import { quote, type Problem } from '#error'
import { downloads } from './downloads.ts'
import { readShell, type SimpleCommand } from './shell.ts'

/** Scripts of a package.json, by name. */
export type NpmScripts = Readonly<Record<string, string>>

/**
 * Finds what commands of a build should not do: fetch while the build runs (LNT-11), use plain HTTP or unverified TLS
 * (LNT-15), or hide what they do (BLD-23). Scripts that the commands run through npm are read too, when they are given.
 * Findings, not refusals: the sandbox has no network whatever a command says.
 *
 * `where` of a finding is `run[INDEX]`, or `run[INDEX] script "NAME"`.
 */
export function lintCommands(
  commands: readonly (readonly string[])[],
  scripts: NpmScripts = {},
): Problem[] {
  return commands.flatMap((argv, index) => {
    const visit: Visit = { scripts, seen: new Set(), problems: [] }
    lintCommand({ words: argv, piped: false }, `run[${index}]`, visit)
    // A text inside a command is read as its word and as commands of its own.
    return visit.problems.filter(
      (one, at) =>
        visit.problems.findIndex(
          ({ code, where, found }) =>
            code === one.code && where === one.where && found === one.found,
        ) === at,
    )
  })
}

interface Visit {
  readonly scripts: NpmScripts
  readonly seen: Set<string>
  readonly problems: Problem[]
}

/** Programs that run what they read. */
export const interpreters =
  /^(?:(?:ba|da|z|k|a)?sh|fish|node|deno|bun|python[\d.]*|perl|ruby|php|pwsh)$/
const shells = /^(?:(?:ba|da|z|k|a)?sh|fish)$/
const inline = /^-(?:[a-z]*[ceE]|-eval|-command|p|-print)$/

function lintText(text: string, where: string, visit: Visit): void {
  const commands = readShell(text)
  for (const [index, command] of commands.entries()) {
    if (command.piped && interpreters.test(programOf(command).program))
      visit.problems.push(pipedToShell(command, commands[index - 1], where))
    lintCommand(command, where, visit)
  }
}

function lintCommand(command: SimpleCommand, where: string, visit: Visit): void {
  const { program, args } = programOf(command)
  visit.problems.push(...lintTransport(command.words, where))
  if (downloads(program, args)) visit.problems.push(fetches(command, where))
  if (/^(?:eval|source|\.)$/.test(program) && args.length > 0)
    visit.problems.push(opaque(`${program} ${args.join(' ')}`, where))
  const code = interpreters.test(program) ? inlineCode(args) : undefined
  if (code !== undefined) {
    visit.problems.push(opaque(`${program} ${args[0]} …`, where))
    if (shells.test(program)) lintText(code, where, visit)
  }
  const script = scriptOf(program, args)
  if (script !== undefined) lintScript(script, where, visit)
}

/** The program behind assignments and those that only start another one. */
export function programOf({ words }: SimpleCommand): { program: string; args: readonly string[] } {
  let at = 0
  while (at < words.length - 1 && isPrefix(words[at] ?? '')) at += 1
  const word = words[at] ?? ''
  return { program: word.slice(word.lastIndexOf('/') + 1), args: words.slice(at + 1) }
}

function isPrefix(word: string): boolean {
  return (
    /^\w+=/.test(word) ||
    /^(?:env|exec|command|time|nice|nohup|sudo|xargs|then|do|else|if|!)$/.test(word)
  )
}

/** The code in `sh -ec CODE`, `node --eval CODE`; options end where the name of a script stands. */
function inlineCode(args: readonly string[]): string | undefined {
  for (let at = 0; at < args.length; at += 1) {
    const argument = args[at] ?? ''
    if (!argument.startsWith('-')) return undefined
    if (inline.test(argument)) return args[at + 1] ?? ''
    if (/^-[a-z]*o$/.test(argument)) at += 1
  }
  return undefined
}

function scriptOf(program: string, args: readonly string[]): string | undefined {
  if (!/^(?:npm|pnpm|yarn|bun)$/.test(program)) return undefined
  const [verb = '', name] = args.filter((argument) => !argument.startsWith('-'))
  if (/^(?:run|run-script|rum|urn)$/.test(verb)) return name
  return /^(?:test|start|stop|restart)$/.test(verb) ? verb : undefined
}

function lintScript(name: string, where: string, visit: Visit): void {
  for (const script of [`pre${name}`, name, `post${name}`]) {
    const text = Object.hasOwn(visit.scripts, script) ? visit.scripts[script] : undefined
    if (text === undefined || visit.seen.has(script)) continue
    visit.seen.add(script)
    lintText(text, `${where.replace(/ script .*$/, '')} script ${quote(script)}`, visit)
  }
}

// Ways to say that whoever answers is to be believed.
const unverified =
  /^(?:-[a-zA-Z]*k|--insecure|--no-check-certificate|--trusted-host(?:=.*)?|--strict-ssl=false|--no-strict-ssl|(?:NODE_TLS_REJECT_UNAUTHORIZED|PYTHONHTTPSVERIFY)=0|GIT_SSL_NO_VERIFY=.+|GOINSECURE=.+|GONOSUMDB=.+|GONOSUMCHECK=.+|GOFLAGS=.*-insecure.*|http\.sslVerify=false|npm_config_strict_ssl=false)$/i

/** Finds plain HTTP and unverified TLS in a command. */
export function lintTransport(words: readonly string[], where: string): Problem[] {
  const program = programOf({ words, piped: false }).program
  return words.flatMap((word) => {
    const [url] =
      /\bhttp:\/\/(?!(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?:[:/]|$))[^\s'"]+/i.exec(word) ?? []
    if (url !== undefined) return [plainHttp(url, where)]
    const short = /^-[a-zA-Z]*k$/.test(word)
    return unverified.test(word) && (!short || program === 'curl') ? [notVerified(word, where)] : []
  })
}

function pipedToShell(
  command: SimpleCommand,
  from: SimpleCommand | undefined,
  where: string,
): Problem {
  const source = from === undefined ? '' : from.words.join(' ')
  return {
    code: from !== undefined && isDownload(from) ? 'LINT_DOWNLOAD' : 'LINT_OPAQUE',
    where,
    expected: 'programs that are in the source or among the locked materials',
    found: `${quote(source)} piped into ${quote(command.words.join(' '))}`,
    fix: 'Commit the script that is to run, or lock the package that brings it, and name it here',
  }
}

function isDownload(command: SimpleCommand): boolean {
  const { program, args } = programOf(command)
  return downloads(program, args)
}

function fetches({ words }: SimpleCommand, where: string): Problem {
  return {
    code: 'LINT_DOWNLOAD',
    where,
    expected: 'a build that fetches nothing: all inputs are locked and there when it starts',
    found: quote(words.join(' ')),
    fix: 'Lock what is fetched (a dependency, a toolchain or a package of the root) and use it from there',
  }
}

function opaque(found: string, where: string): Problem {
  return {
    code: 'LINT_OPAQUE',
    where,
    expected: 'commands that say what they run',
    found: quote(found),
    fix: 'Put the code into a script in the source and name the script here, so that it is reviewed',
  }
}

function plainHttp(url: string, where: string): Problem {
  return {
    code: 'LINT_PLAIN_HTTP',
    where,
    expected: 'https:// addresses',
    found: quote(url),
    fix: `Write ${quote(url.replace(/^http:/i, 'https:'))}, or lock what is there`,
  }
}

function notVerified(word: string, where: string): Problem {
  return {
    code: 'LINT_PLAIN_HTTP',
    where,
    expected: 'TLS with verified certificates',
    found: quote(word),
    fix: `Remove ${quote(word)}; if the certificate is the machine's own, add its authority to the trusted ones`,
  }
}
