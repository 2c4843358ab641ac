import { quote, SallyportError } from '#error'
import { refMatches } from './revision.ts'

/** A repository that may be built, and from which refs; the builder's own list, not the request's. */
export interface AllowedSource {
  /** A canonical URI, exactly; or the beginning of some, when it ends in `/`. */
  readonly repository: string
  /** Full ref names, exactly; or the beginning of some, when it ends in `/`. Without: any branch or tag. */
  readonly refs?: readonly string[]
}

/**
 * Refuses a repository that is on no line of the list (BLD-45), before anything is fetched.
 *
 * @throws SallyportError SOURCE_NOT_ALLOWED
 */
export function checkRepositoryAllowed(uri: string, allowed: readonly AllowedSource[]): void {
  if (linesFor(uri, allowed).length > 0) return
  throw new SallyportError({
    code: 'SOURCE_NOT_ALLOWED',
    where: quote(uri),
    expected: allowed.length === 0 ? 'a list of allowed repositories' : listOf(allowed),
    found: quote(uri),
    fix: `Ask who runs this builder to add ${quote(uri)} to the allowed repositories`,
  })
}

/**
 * Of the refs that contain the commit, those from which it may be built.
 *
 * @throws SallyportError SOURCE_NOT_ALLOWED
 */
export function allowedRefs(
  uri: string,
  containing: readonly string[],
  allowed: readonly AllowedSource[],
): readonly string[] {
  const lines = linesFor(uri, allowed)
  if (lines.some(({ refs }) => refs === undefined)) return containing
  const wanted = lines.flatMap(({ refs }) => refs ?? [])
  const good = containing.filter((ref) => refMatches(ref, wanted))
  if (good.length > 0) return good
  throw new SallyportError({
    code: 'SOURCE_NOT_ALLOWED',
    where: quote(uri),
    expected: `a commit on ${wanted.map((ref) => quote(ref)).join(' or ')}`,
    found: `a commit only on ${shortList(containing)}`,
    fix: `Merge the commit into ${quote(wanted[0])}, or ask who runs this builder to allow the ref`,
  })
}

export function shortList(names: readonly string[]): string {
  const shown = names.slice(0, 5).map((name) => quote(name))
  return shown.length === 0
    ? 'no ref'
    : `${shown.join(', ')}${names.length > shown.length ? ', …' : ''}`
}

function linesFor(uri: string, allowed: readonly AllowedSource[]): readonly AllowedSource[] {
  return allowed.filter(
    ({ repository }) =>
      uri === repository || (repository.endsWith('/') && uri.startsWith(repository)),
  )
}

function listOf(allowed: readonly AllowedSource[]): string {
  return `one of ${shortList(allowed.map(({ repository }) => repository))}`
}
