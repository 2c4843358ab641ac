import { catalogue, type ProblemCode } from './catalogue.ts'

/**
 * One thing that is wrong, said so that the reader can act. `expected` and `found` carry real values,
 * `fix` begins with a verb and names the file, flag, command or person.
 */
export interface Problem {
  readonly code: ProblemCode
  /** Where it is wrong: a path in a document, `file:line:column`, or the name of a thing. */
  readonly where?: string
  readonly expected: string
  readonly found: string
  readonly fix: string
}

/** A failure to do or decide something. A refusal is never thrown: it is a value, `Decision.reasons`. */
export class SallyportError extends Error implements Problem {
  override readonly name = 'SallyportError'
  readonly code: ProblemCode
  readonly where?: string
  readonly expected: string
  readonly found: string
  readonly fix: string
  /** Every problem found in the same pass, this one first. */
  readonly problems: readonly Problem[]

  constructor(
    problem: Problem,
    options: { readonly cause?: unknown; readonly also?: readonly Problem[] } = {},
  ) {
    super(
      `${problem.code}: ${problem.where === undefined ? '' : `${problem.where}: `}expected ${problem.expected}, found ${problem.found}`,
      options.cause === undefined ? undefined : { cause: options.cause },
    )
    this.code = problem.code
    if (problem.where !== undefined) this.where = problem.where
    this.expected = problem.expected
    this.found = problem.found
    this.fix = problem.fix
    this.problems = [problem, ...(options.also ?? [])]
  }

  /** Throws all problems at once when there are any; the first one names the error. */
  static throwAll(problems: readonly Problem[]): void {
    const [first, ...also] = problems
    if (first !== undefined) throw new SallyportError(first, { also })
  }

  toJSON(): Problem & { readonly title: string } {
    const { code, where, expected, found, fix } = this
    return {
      code,
      title: catalogue[code].title,
      ...(where === undefined ? {} : { where }),
      expected,
      found,
      fix,
    }
  }
}

/**
 * Shows a value that an attacker may have chosen: JSON-quoted, control characters and bidirectional
 * marks escaped, cut at `max` characters.
 */
export function quote(value: unknown, max = 160): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
  const cut = text.length > max ? `${text.slice(0, max)}…` : text
  const safe = typeof value === 'string' ? JSON.stringify(cut) : cut.toWellFormed()
  return safe.replace(
    /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
