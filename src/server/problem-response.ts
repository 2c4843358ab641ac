import { catalogue, SallyportError, type Problem, type ProblemCode } from '#error'

const statuses: Partial<Record<ProblemCode, number>> = {
  SERVER_BUSY: 503,
  SERVER_DRAINING: 503,
  SERVER_TIMEOUT: 504,
  SERVER_UNAVAILABLE: 503,
  LOG_UNAVAILABLE: 503,
  SERVER_INTERNAL: 500,
  REQUEST_TOO_LARGE: 413,
  DOCUMENT_TOO_LARGE: 413,
  REQUEST_CUT_OFF: 408,
  REQUEST_MEDIA_TYPE: 415,
  REQUEST_NOT_FOUND: 404,
  REQUEST_METHOD: 405,
  ACCESS_UNAUTHENTICATED: 401,
  ACCESS_FORBIDDEN: 403,
}

/** What went wrong, for HTTP: a status and the problems, most important first. */
export interface ProblemBody {
  readonly status: number
  readonly problems: readonly Problem[]
}

/**
 * Turns anything that was thrown into an answer. What was not foreseen is told as such and without its text, which may
 * hold what nobody should read; it belongs in the journal.
 */
export function problemBodyOf(error: unknown): ProblemBody {
  if (!(error instanceof SallyportError)) return { status: 500, problems: [unforeseen] }
  const status = statuses[error.code] ?? (catalogue[error.code].exit === 3 ? 503 : 400)
  return { status, problems: error.problems }
}

/** An answer that says what went wrong. */
export interface ProblemResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** @param bodyOf where the problems are told in another way than as problem+json */
export function problemResponseOf(
  error: unknown,
  bodyOf?: (problems: readonly Problem[]) => object,
): ProblemResponse {
  const { status, problems } = problemBodyOf(error)
  return {
    status,
    headers: {
      'content-type': bodyOf === undefined ? 'application/problem+json' : 'application/json',
      'cache-control': 'no-store',
      ...(status === 503 ? { 'retry-after': '1' } : {}),
      ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
      ...(status === 405 ? { allow: problems[0]?.expected ?? '' } : {}),
    },
    body: JSON.stringify(bodyOf === undefined ? { problems } : bodyOf(problems)),
  }
}

const unforeseen: Problem = {
  code: 'SERVER_INTERNAL',
  where: 'gate',
  expected: 'an answer',
  found: 'an error that was not foreseen; the journal of the gate has it',
  fix: 'Ask again; if it happens again, send the line of the journal to the operator of the gate',
}
