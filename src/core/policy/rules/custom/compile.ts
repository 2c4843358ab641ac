import { quote, SallyportError, type Problem } from '#error'
import { bracketDepth, inspect, limits, type Breach, type Pattern, type Variable } from './cage.ts'
import { loadCel, type Expr } from './cel.ts'
import { overrides } from './conversions.ts'
import type { CelData } from './values.ts'

/** An expression that has been read and found small enough to be evaluated. */
export interface Compiled {
  readonly expr: Expr
  /** The variables it asks about. */
  readonly used: ReadonlySet<Variable>
  readonly evaluate: (input: ReadonlyMap<Variable, CelData>) => Answer
}

/** What came of it. */
export type Answer =
  | { readonly kind: 'value'; readonly value: unknown }
  /** A field or an element that is not there. */
  | { readonly kind: 'absent'; readonly message: string }
  | { readonly kind: 'error'; readonly message: string }

/** Says where a part of the expression stands. */
export type Locate = (spot?: string) => string

/**
 * Reads an expression, and refuses what the cage does not let through.
 *
 * @throws SallyportError POLICY_EXPRESSION, POLICY_EXPRESSION_LIMIT; all problems at once
 */
export function compile(text: string, locate: Locate): Compiled {
  checkText(text, locate)
  const { parse, plan, celEnv, isCelError } = loadCel()
  const parsed = parsing(() => parse(text), locate)
  const { breaches, used, patterns } = inspect(parsed.expr)
  const positions = parsed.sourceInfo?.positions ?? {}
  SallyportError.throwAll(
    breaches.map((breach) => problemOf(breach, spotOf(text, positions, breach.id), locate)),
  )
  const at = (id: bigint): string => locate(spotOf(text, positions, id))
  SallyportError.throwAll(patterns.flatMap((pattern) => patternProblem(pattern, at)))
  const run = parsing(() => plan(celEnv({ funcs: overrides() }), parsed.expr), locate)
  return {
    expr: parsed.expr,
    used,
    evaluate(input) {
      // Without prototype: a name is one of the given ones, or there is none.
      const bindings = Object.assign(Object.create(null) as object, Object.fromEntries(input))
      const value = run(bindings)
      if (!isCelError(value)) return { kind: 'value', value }
      const { message } = value
      return { kind: isAbsent(message) ? 'absent' : 'error', message }
    },
  }
}

/** The library says only in words that something is not there. */
function isAbsent(message: string): boolean {
  return /^(?:field not found: |no such key|index \S+ out of bounds)/.test(message)
}

function checkText(text: string, locate: Locate): void {
  const depth = bracketDepth(text)
  const found =
    text.length > limits.characters
      ? `${text.length} characters`
      : depth > limits.brackets
        ? `brackets nested ${depth} deep`
        : undefined
  if (found === undefined) return
  throw new SallyportError({
    code: 'POLICY_EXPRESSION_LIMIT',
    where: locate(),
    expected: `at most ${limits.characters} characters, with brackets nested at most ${limits.brackets} deep`,
    found,
    fix: 'Write it shorter, or write several custom rules instead of one',
  })
}

function parsing<T>(deed: () => T, locate: Locate): T {
  try {
    return deed()
  } catch (cause) {
    const { message, location } = cause as Error & {
      readonly location?: { readonly start: { readonly line: number; readonly column: number } }
    }
    const start = location?.start
    const spot = start === undefined ? undefined : `line ${start.line}, column ${start.column}`
    throw new SallyportError(
      {
        code: 'POLICY_EXPRESSION',
        where: locate(spot),
        expected: 'an expression of CEL, such as `predicate.result == "PASSED"`',
        found: quote(message.replace(/^<input>:\d+:\d+: /, ''), 200),
        fix: `Correct the expression${spot === undefined ? '' : ` at ${spot}`}`,
      },
      { cause },
    )
  }
}

/** A pattern that cannot be read would be found by the first evidence that comes, and refuse it. */
function patternProblem({ id, text }: Pattern, at: (id: bigint) => string): readonly Problem[] {
  const { parse, plan, celEnv, isCelError } = loadCel()
  const answer = plan(celEnv(), parse('"".matches(pattern)'))({ pattern: text })
  if (!isCelError(answer)) return []
  return [
    {
      code: 'POLICY_EXPRESSION',
      where: at(id),
      expected: 'a regular expression of RE2',
      found: quote(answer.message, 200),
      fix: `Correct the pattern ${quote(text, 80)}`,
    },
  ]
}

function problemOf(
  { expected, found, fix }: Breach,
  spot: string | undefined,
  locate: Locate,
): Problem {
  return { code: 'POLICY_EXPRESSION_LIMIT', where: locate(spot), expected, found, fix }
}

function spotOf(
  text: string,
  positions: Readonly<Record<string, number>>,
  id: bigint | undefined,
): string | undefined {
  const offset = positions[String(id)]
  if (offset === undefined) return undefined
  const before = text.slice(0, offset).split('\n')
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`
}
