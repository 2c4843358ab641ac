/** A page of tags: after the last tag of the one before, or where words of the registry's own say. */
export interface TagPage {
  readonly n?: number
  readonly last?: string
  /** quay.io's, as `next_page`. */
  readonly nextPage?: string
}

/** Some registries, such as ECR, refuse more. Pages may be smaller than was asked for: the link leads on. */
const maxTags = 1000
const maxQuery = 3072
const printable = /^[\x20-\x7e]+$/

/**
 * Reads what names a page of tags in a query, and nothing else of it. `last` is a tag in the spec, and opaque in ECR.
 * Undefined when it is too long, or not printable.
 */
export function readTagPage(query: URLSearchParams): TagPage | undefined {
  const n = Number(/^\d+$/.exec(query.get('n') ?? '')?.[0] ?? 0)
  const last = query.get('last') ?? ''
  const nextPage = query.get('next_page') ?? ''
  if ([last, nextPage].some((text) => text !== '' && !printable.test(text))) return undefined
  const page = {
    ...(n > 0 ? { n: Math.min(n, maxTags) } : {}),
    ...(last === '' ? {} : { last }),
    ...(nextPage === '' ? {} : { nextPage }),
  }
  return queryOfTagPage(page).toString().length > maxQuery ? undefined : page
}

export function queryOfTagPage({ n, last, nextPage }: TagPage): URLSearchParams {
  return new URLSearchParams({
    ...(n === undefined ? {} : { n: String(n) }),
    ...(last === undefined ? {} : { last }),
    ...(nextPage === undefined ? {} : { next_page: nextPage }),
  })
}
