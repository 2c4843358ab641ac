import type { Problem } from '#error'

import type { Refusal } from './collect.ts'
import type { CellSpec } from './protocol.ts'
import { TarError } from './tar-reader.ts'
import { BlobError } from './unpack.ts'

/** Carries problems to where they are reported. */
export class CellError extends Error {
  override readonly name = 'CellError'
  readonly problems: readonly Problem[]

  constructor(...problems: readonly Problem[]) {
    super(problems[0]?.found)
    this.problems = problems
  }
}

/** An error nobody expected is the sandbox's failure, never the build's. */
export function problemsOf(error: unknown): readonly Problem[] {
  if (error instanceof CellError) return error.problems
  return [sandboxFailed(error instanceof Error ? `${error.name}: ${error.message}` : String(error))]
}

export function sandboxFailed(found: string): Problem {
  return {
    code: 'WORKER_SANDBOX_FAILED',
    expected: 'a sandbox around the build step',
    found: shown(found),
    fix: 'Run `sallyport doctor`: it tries every part of the sandbox on this machine.',
  }
}

/** Adds to an error of unpacking which tree it was. */
export function unpackProblem(what: string, expected: string, error: unknown): unknown {
  if (error instanceof BlobError)
    return new CellError({
      code: 'WORKER_BLOB_MISMATCH',
      where: what,
      expected,
      found: error.message,
      fix: 'Remove that blob from the store and build again: it is fetched and verified anew.',
    })
  if (error instanceof TarError)
    return new CellError({
      code: 'WORKER_TREE_UNSAFE',
      where: what,
      expected: 'files, directories, links, each once, all inside the tree',
      found: shown(error.message),
      fix: `Make ${what} again without that member.`,
    })
  return noSpace(error)
    ? new CellError({
        code: 'WORKER_LIMITS',
        where: what,
        expected: 'a tree that fits into the scratch of the step',
        found: (error as Error).message,
        fix: 'Raise "limits.disk" in the recipe.',
      })
    : error
}

function noSpace(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOSPC'
}

export function refusalProblem(refusal: Refusal, spec: CellSpec): Problem {
  const where = `/build/${refusal.path}`
  const found = shown(refusal.found)
  if (refusal.kind === 'missing')
    return {
      code: 'WORKER_OUTPUT_MISSING',
      where: shown(where),
      expected: 'the output that the recipe declares',
      found,
      fix: 'Let the commands of this step write it, or take it out of "outputs" in the recipe.',
    }
  if (refusal.kind === 'size')
    return {
      code: 'WORKER_OUTPUT_TOO_LARGE',
      where: shown(where),
      expected: `at most ${spec.limits.outputBytes} bytes in all outputs of the step`,
      found,
      fix: 'Declare a smaller output, or raise the limit of outputs for this builder.',
    }
  return {
    code: 'WORKER_OUTPUT_REFUSED',
    where: shown(where),
    expected: expectations[refusal.kind],
    found,
    fix: fixes[refusal.kind],
  }
}

const expectations = {
  type: 'what the recipe declares: a regular file, or a directory of files',
  links: 'files with one name, and symbolic links only inside a declared directory',
  mode: 'a mode without setuid and setgid bits',
  name: 'names that a shell, an archive and a reader show as they are',
}

const fixes = {
  type: 'Write a regular file or a directory there, as "outputs" in the recipe says.',
  links: 'Copy the file instead of linking it (cp --no-preserve=links --dereference).',
  mode: 'Remove the bits (chmod u-s,g-s) before the step ends.',
  name: 'Rename the file before the step ends.',
}

// Paths and messages may be the build's own words.
function shown(text: string): string {
  const cut = text.length > 300 ? `${text.slice(0, 300)}…` : text
  return cut
    .toWellFormed()
    .replace(
      /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
      (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
    )
}
