import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { CommandLine } from '../src/cli/command-line.ts'
import { plain } from '../src/cli/paint.ts'
import { createProgram } from '../src/cli/program.ts'

const root = join(import.meta.dirname, '..')
const pages = ['README.md', ...globSync('docs/**/*.md', { cwd: root })]
const nothing = (): void => undefined
const terminal = { out: nothing, err: nothing, status: nothing, outPaint: plain, errPaint: plain }

for (const page of pages)
  test(`${page}: the command line takes every command as it is written`, async () => {
    for (const words of commandsIn(page)) await check(words)
  })

/** Lines of blocks that begin with the program, and everything in `code` that does; as words of a shell. */
function commandsIn(page: string): readonly (readonly string[])[] {
  const text = readFileSync(join(root, page), 'utf8').replace(/\\\n */g, '')
  const block = /^ *```.*\n([^]*?)^ *```/gm
  const lines = [...text.matchAll(block)].flatMap(([, body = '']) => [
    ...body.matchAll(/^ *(?:\$ )?(?:npx )?sallyport (.+)$/gm),
  ])
  lines.push(...text.matchAll(/^ {4}sallyport (.+)$/gm))
  const spans = text.replace(block, '').matchAll(/`(?:npx )?sallyport ([^`]+)`/g)
  return [...lines, ...spans].map(([, command = '']) => {
    // Up to where a shell would begin something else, and a gate its command.
    const [before = ''] = command.split(' -- ')
    const words = [...before.matchAll(/\s*((?:"[^"]*"|'[^']*'|[^\s"'`;|)>&#])+)/gy)]
    // "…", "[--more]" and a variable stand for what the reader knows.
    return words
      .map(([, word = '']) => word.replace(/^\[|\]$/g, ''))
      .filter((word) => !/^(?:…|"?\$)/.test(word))
  })
}

async function check(words: readonly string[]): Promise<void> {
  const said = `sallyport ${words.join(' ')}`
  const { command, rest } = find(
    await createProgram({ argv: words, terminal, version: '', plan: nothing }),
    words,
  )
  // A group of commands, or the program itself, named and no more.
  if (command.commands.length > 0)
    return assert.ok(!/^[a-z]/.test(rest[0] ?? ''), `${said}: no such command`)
  const { registeredArguments: all } = command
  const most = all.some(({ variadic }) => variadic) ? Infinity : all.length
  const given = operandsOf(rest, optionsOf(command), said)
  assert.ok(given <= most, `${said}: ${most} arguments at most`)
}

/** How many words are neither options nor their values. */
function operandsOf(
  words: readonly string[],
  options: CommandLine['options'],
  said: string,
): number {
  let operands = 0
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? ''
    const option = options.find(({ long, short }) => word === long || word === short)
    if (!word.startsWith('-')) operands += 1
    else assert.ok(option !== undefined || word === '--help', `${said}: no option ${word}`)
    const isOptional = option?.optional === true && /^[^-]/.test(words[at + 1] ?? '')
    if (option?.required === true || isOptional) at += 1
  }
  return operands
}

/** The command that words name, and the words behind it. */
function find(
  command: CommandLine,
  words: readonly string[],
): { readonly command: CommandLine; readonly rest: readonly string[] } {
  if (words[0] === '--home') return find(command, words.slice(2))
  const names = words[0]?.split('|') ?? []
  const next = command.commands.find((one) => names.includes(one.name()))
  return next === undefined ? { command, rest: words } : find(next as CommandLine, words.slice(1))
}

function optionsOf(command: CommandLine): CommandLine['options'] {
  const { options, parent } = command
  return parent === null ? options : [...options, ...optionsOf(parent as CommandLine)]
}
