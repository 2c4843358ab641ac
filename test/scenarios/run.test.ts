// Runs every story of this folder against the real command line, each in a folder of its own.
//
// A story is a text file. It reads like a terminal session (after Go's testscript and Rust's trycmd):
//
//     # a comment: what the story is about
//     $ sallyport verify app.tgz --environment production --service app
//     ? 1                                   the exit code; 0 when no such line stands here
//     > a line of standard output           when there is one such line, all of standard output is compared
//     ! a line of standard error            the same for standard error
//     @ problems.0.code = "POLICY_NONE"     standard output is one JSON document, and has this value there
//     -- app.tgz --                         from here to the next such line: the content of a file
//
// In an expected line `[..]` stands for any text, and a line `> ...` or `! ...` for any lines.
// What differs from run to run is named before comparing: <dir> <sha256> <commit> <time> <duration> <date>.
// Commands are `sallyport …` and the fixtures of fixtures.ts (flip, copy, provenance …); words may be quoted.
//
// `SCENARIOS=update node --test test/scenarios/run.test.ts` writes what was printed into the files; read the diff.
// `STORY=log` tells only the stories whose file name contains that.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { runCommand } from './command.ts'
import type { Ran } from './main.ts'
import { formatStory, parseStory, type Step, type Story } from './story.ts'

const update = process.env['SCENARIOS'] === 'update'
const only = process.env['STORY'] ?? ''
const folder = import.meta.dirname

test(
  'every story is told by the real command line as it is written',
  { concurrency: 2 },
  async (t) => {
    const files = readdirSync(folder).filter((file) => file.endsWith('.txt') && file.includes(only))
    await Promise.all(files.map((file) => t.test(file, () => tell(join(folder, file)))))
  },
)

async function tell(file: string): Promise<void> {
  const story = parseStory(readFileSync(file, 'utf8'), file)
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-story-'))
  try {
    for (const [name, content] of story.files) {
      mkdirSync(dirname(join(dir, name)), { recursive: true })
      writeFileSync(join(dir, name), content)
    }
    const told = await play(story, dir)
    if (update) writeFileSync(file, formatStory({ ...story, steps: told }))
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

async function play(story: Story, dir: string): Promise<Step[]> {
  const told: Step[] = []
  for (const step of story.steps) {
    const ran = await runCommand(step.words, dir)
    if (!update) check(step, ran)
    told.push({
      ...step,
      exit: ran.exit,
      ...(step.stdout === undefined ? {} : { stdout: refreshed(step.stdout, ran.stdout) }),
      ...(step.stderr === undefined ? {} : { stderr: refreshed(step.stderr, ran.stderr) }),
    })
  }
  return told
}

/** In update mode: lines that still match stay as they were written, with their wildcards. */
function refreshed(expected: readonly string[], actual: readonly string[]): readonly string[] {
  return matches(expected, actual) ? expected : actual
}

function check(step: Step, ran: Ran): void {
  const at = `line ${step.line}: $ ${step.command}`
  const printed = [
    ...ran.stdout.map((line) => `> ${line}`),
    ...ran.stderr.map((line) => `! ${line}`),
  ]
  assert.equal(ran.exit, step.exit, `${at}\nended with ${ran.exit} and said\n${printed.join('\n')}`)
  if (step.stdout !== undefined && !matches(step.stdout, ran.stdout)) {
    assert.deepEqual(ran.stdout, step.stdout, `${at}\nstandard output`)
  }
  if (step.stderr !== undefined && !matches(step.stderr, ran.stderr)) {
    assert.deepEqual(ran.stderr, step.stderr, `${at}\nstandard error`)
  }
  for (const { path, value } of step.json) {
    assert.deepEqual(valueAt(JSON.parse(ran.raw), path), value, `${at}\n@ ${path}`)
  }
}

function matches(expected: readonly string[], actual: readonly string[]): boolean {
  const [first, ...rest] = expected
  if (first === undefined) return actual.length === 0
  if (first === '...') {
    return actual.some((_, index) => matches(rest, actual.slice(index))) || matches(rest, [])
  }
  const [line, ...more] = actual
  return line !== undefined && lineMatches(first, line) && matches(rest, more)
}

function lineMatches(expected: string, actual: string): boolean {
  const parts = expected.split('[..]').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`, 'su').test(actual)
}

function valueAt(value: unknown, path: string): unknown {
  let current = value
  for (const part of path.split('.')) {
    current = (current as Record<string, unknown> | undefined)?.[part]
  }
  return current
}
