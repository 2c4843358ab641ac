import { quote, SallyportError } from '#error'

/** A dependency that could not be asked, or whose answer cannot be believed. `dependency` names it: a host, a program. */
export function unavailable(
  dependency: string,
  expected: string,
  found: string,
  cause?: unknown,
): SallyportError {
  return new SallyportError(
    {
      code: 'EVIDENCE_SOURCE_UNAVAILABLE',
      where: dependency,
      expected,
      found,
      fix: `Make ${quote(dependency, 200)} reachable and well again, then ask again`,
    },
    cause === undefined ? {} : { cause },
  )
}

/** What the row of a source says about a failure; the dependency is always in it. */
export function detailOf(error: unknown): string {
  if (!(error instanceof SallyportError)) {
    return `failed: ${quote(error instanceof Error ? error.message : String(error), 200)}`
  }
  const { where, expected, found } = error
  return `${where === undefined ? '' : `${where}: `}expected ${expected}, found ${found}`.slice(
    0,
    500,
  )
}
