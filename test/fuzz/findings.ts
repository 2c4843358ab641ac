import { createHash } from 'node:crypto'
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Found } from './run.ts'

/** A finding as a file: what to run, on what, and what happened. */
export interface WrittenFinding {
  readonly target: string
  readonly seed: number
  readonly index: number
  readonly what: string
  readonly message: string
  /** Base64. */
  readonly input: string
}

const folder = join(import.meta.dirname, 'findings')
const regressionFolder = join(import.meta.dirname, 'regressions')

/** Writes a finding; one file for each place in the code, so that one fault does not make a thousand. */
export function writeFinding({ target, seed, index, outcome }: Found, input: Buffer): string {
  const place = createHash('sha256').update(`${target.name} ${outcome.message}`).digest('hex')
  const file = join(folder, `${target.name}-${place.slice(0, 12)}.json`)
  const written: WrittenFinding = {
    target: target.name,
    seed,
    index,
    what: outcome.what,
    message: outcome.message,
    input: input.toString('base64'),
  }
  mkdirSync(folder, { recursive: true })
  writeFileSync(file, `${JSON.stringify(written, null, 2)}\n`)
  return file
}

/** Inputs that were findings once, and are none any more. */
export function regressions(): readonly (WrittenFinding & { readonly file: string })[] {
  return globSync('*.json', { cwd: regressionFolder })
    .sort()
    .map((file) => ({
      ...(JSON.parse(readFileSync(join(regressionFolder, file), 'utf8')) as WrittenFinding),
      file,
    }))
}
