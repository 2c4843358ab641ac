import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** What a command said and how it ended; `stdout` and `stderr` with all that varies named. */
export interface Ran {
  readonly exit: number
  readonly stdout: readonly string[]
  readonly stderr: readonly string[]
  /** Standard output as it was. */
  readonly raw: string
}

const root = resolve(import.meta.dirname, '../..')
const main = resolve(root, 'src/cli/main.ts')
const cache = mkdtempSync(join(tmpdir(), 'sallyport-compiled-'))
process.once('exit', () => rmSync(cache, { recursive: true, force: true }))

/** Runs the real command line in a folder, with nothing of this environment but the PATH. */
export async function runMain(
  args: readonly string[],
  dir: string,
  env: Readonly<Record<string, string>>,
): Promise<Ran> {
  const child = spawn(process.execPath, [main, ...args], {
    cwd: dir,
    // Compiled code is shared by all stories: they tell what is said, not how long it takes.
    env: { PATH: process.env['PATH'], HOME: dir, NODE_COMPILE_CACHE: cache, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr, exit] = await Promise.all([
    textOf(child.stdout),
    textOf(child.stderr),
    new Promise<number>((done, fail) => {
      child.once('error', fail)
      child.once('close', (code) => done(code ?? -1))
    }),
  ])
  return { exit, stdout: linesOf(stdout, dir), stderr: linesOf(stderr, dir), raw: stdout }
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

/** Lines with all that varies named. */
export function linesOf(text: string, dir: string): string[] {
  if (text === '') return []
  return normalise(text, dir)
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => line.trimEnd())
}

function normalise(text: string, dir: string): string {
  return text
    .replaceAll(`${process.execPath} ${main}`, 'sallyport')
    .replaceAll(dir, '<dir>')
    .replaceAll(root, '<repository>')
    .replace(/\bkey [0-9a-f]{16}\b/g, 'key <keyid>')
    .replace(/\bbuilds\/[0-9a-f]{12}\b/g, 'builds/<commit>')
    .replace(/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, '<uuid>')
    .replace(/\b[0-9a-f]{12,40}…/g, '<digest>…')
    .replace(/(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{43}=/g, '<base64>')
    .replace(/\b[0-9a-f]{64}\b/g, '<sha256>')
    .replace(/\b[0-9a-f]{40}\b/g, '<commit>')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, '<time>')
    .replace(/\b\d+(?:\.\d+)? (?:ms|s)\b/g, '<duration>')
    .replace(/\d{4}-\d\d-\d\d/g, '<date>')
}
