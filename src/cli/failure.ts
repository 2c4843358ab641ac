import { catalogue, quote, SallyportError, type Problem } from '#error'

/** Exit codes: 0 allowed or done, 1 denied, 2 usage or configuration, 3 could not decide or do. */
export type Exit = 0 | 1 | 2 | 3

export interface Failure {
  readonly problems: readonly Problem[]
  readonly exit: Exit
  /** Only for SALLYPORT_DEBUG=1. */
  readonly stack?: string
}

/** What any thrown thing means to the caller. An exception nobody planned is a failure to decide, never a refusal. */
export function failureOf(error: unknown): Failure {
  if (error instanceof SallyportError) {
    return { problems: error.problems, exit: catalogue[error.code].exit, ...stackOf(error) }
  }
  return { problems: [internal(error)], exit: 3, ...stackOf(error) }
}

function internal(error: unknown): Problem {
  const found =
    error instanceof Error ? `${error.name}: ${quote(error.message, 400)}` : quote(error, 400)
  return {
    code: 'INTERNAL',
    expected: 'no exception that nobody planned for',
    found,
    fix: 'Run the command again with SALLYPORT_DEBUG=1, and report what it prints; nothing was allowed',
  }
}

function stackOf(error: unknown): { readonly stack?: string } {
  if (!(error instanceof Error)) return {}
  const causes: string[] = []
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    causes.push(cause.stack ?? cause.message)
  }
  return { stack: causes.join('\ncaused by: ') }
}
