import type { z } from 'zod'
import { checkShape, encodeCanonical, parseJson, type Json } from '#document'
import { SallyportError, type Problem } from '#error'
import { knownProblem, problemsOf } from './gate-problems.ts'
import type { ServerPlace } from './options.ts'
import { get, post, type Posted } from './post.ts'
import { addressOf, authoritiesOf } from './server-place.ts'
import { readToken } from './token.ts'

const timeoutMs = 30_000

/** One operation of a gate that runs. */
export interface Operation<T> {
  readonly path: string
  /** Posted; without it the operation is a GET. */
  readonly body?: object
  /** The shape of what it answers. */
  readonly schema: z.ZodType<T>
  readonly env: Readonly<Record<string, string | undefined>>
}

/**
 * Asks a gate that runs, and gives what it says.
 *
 * @throws SallyportError GATE_UNANSWERED; GATE_ANSWER for what is no answer; else what the gate itself does not like
 */
export async function askGate<T>(
  server: ServerPlace,
  { path, body, schema, env }: Operation<T>,
): Promise<T> {
  const url = addressOf(server.url, path, '--gate')
  const [token, ca] = await Promise.all([readToken(server.token, env), authoritiesOf(server)])
  const options = { token, timeoutMs, ...(ca === undefined ? {} : { ca }) }
  const answer =
    body === undefined
      ? await get(url, options)
      : await post(url, { ...options, body: encodeCanonical(body as Json) })
  if (answer.status !== 200) throw refused(url.origin, answer)
  try {
    const what = 'the answer of the gate'
    return checkShape(schema, parseJson(answer.body, { what, maxBytes: 2 ** 24 }), { what })
  } catch (cause) {
    const [first] = cause instanceof SallyportError ? cause.problems : []
    throw strange(url.origin, `${first?.where ?? ''}: ${first?.found ?? 'something else'}`, cause)
  }
}

/**
 * Whether there is all that a gate can be asked with, for who does something first that cannot be undone.
 *
 * @throws SallyportError USAGE_VALUE, GATE_TOKEN, FILE_…
 */
export async function checkPlace(
  server: ServerPlace,
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  addressOf(server.url, '/', '--gate')
  await Promise.all([readToken(server.token, env), authoritiesOf(server)])
}

/** What answers there is not what was asked for. */
export function strange(where: string, found: string, cause?: unknown): SallyportError {
  return new SallyportError(
    {
      code: 'GATE_ANSWER',
      where,
      expected: 'the answer to what was asked',
      found: found.slice(0, 500),
      fix: 'Look at what answers at this address, and whether it has the version of this program',
    },
    { cause },
  )
}

function refused(where: string, { status, body }: Posted): SallyportError {
  const told = problemsOf(body)
  if (told !== undefined) {
    const [first, ...others] = told.slice(0, 20).map((one) => at(where, knownProblem(one)))
    if (first !== undefined) return new SallyportError(first, { also: others })
  }
  const redirect = status >= 300 && status < 400 ? ', a redirect, which is not followed' : ''
  return new SallyportError({
    code: 'GATE_UNANSWERED',
    where,
    expected: 'an answer of the gate',
    found: `status ${status}${redirect}`,
    fix: 'Correct the address of the gate, or ask its operator what stands before it',
  })
}

function at(origin: string, problem: Problem): Problem {
  const short = (text: string): string => text.slice(0, 2000)
  return {
    code: problem.code,
    where: short(`${origin}: ${problem.where ?? ''}`),
    expected: short(problem.expected),
    found: short(problem.found),
    fix: short(problem.fix),
  }
}
