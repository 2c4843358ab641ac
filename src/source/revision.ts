import { quote, SallyportError } from '#error'

/** What the far side has: every branch and tag (tags peeled to what they mark), and where HEAD is. */
export interface Advertised {
  readonly refs: ReadonlyMap<string, string>
  /** The branch HEAD stands for, unless it is detached. */
  readonly head?: string
}

/** A revision made exact: an object id, and the ref it was named by, if it was. */
export interface Resolved {
  readonly id: string
  readonly ref?: string
}

/** A whole object name: SHA-1 or SHA-256. */
export function isObjectId(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text)
}

/** Reads of the answer of `git ls-remote --symref` the refs that count. (Its patterns match the ends of names too.) */
export function parseAdvertised(
  output: string,
  counts: (name: string) => boolean = () => true,
): Advertised {
  const lines = output.split('\n').map((line) => line.split('\t'))
  const head = lines.find(([left, name]) => name === 'HEAD' && left?.startsWith('ref: '))?.[0]
  const named = lines.flatMap(([id = '', name = '']) =>
    isObjectId(id) ? [[name, id] as const] : [],
  )
  const refs = new Map(named.filter(([name]) => isRefName(name) && counts(name)))
  // The line of an annotated tag is followed by `TAG^{}` with the commit that it marks.
  for (const [name, id] of named) {
    const tag = name.replace(/\^\{\}$/, '')
    if (tag !== name && refs.has(tag)) refs.set(tag, id)
  }
  const branch = head?.slice('ref: '.length)
  return branch !== undefined && isRefName(branch) ? { refs, head: branch } : { refs }
}

/**
 * Says which object a revision means. Names and hashes only: no `HEAD~3`, no `@{upstream}`, nothing that git could take
 * for an option.
 *
 * @throws SallyportError SOURCE_REVISION, SOURCE_REVISION_UNKNOWN, SOURCE_REVISION_AMBIGUOUS
 */
export function resolveRevision(revision: string, advertised: Advertised, uri: string): Resolved {
  if (isObjectId(revision)) return { id: revision }
  if (!isRefName(revision)) throw notARevision(revision)
  if (revision === 'HEAD') return resolveHead(advertised, uri)
  const found = (
    revision.startsWith('refs/') ? [revision] : [`refs/heads/${revision}`, `refs/tags/${revision}`]
  ).flatMap((ref) => {
    const id = advertised.refs.get(ref)
    return id === undefined ? [] : [{ id, ref }]
  })
  const [first, second] = found
  if (second !== undefined && second.id !== first?.id) throw ambiguous(revision, found, uri)
  if (first !== undefined) return first
  // Not a name over there; git will say whether it is the beginning of exactly one commit's hash.
  if (/^[0-9a-f]{7,63}$/.test(revision)) return { id: revision }
  throw unknownRevision(revision, uri, advertised)
}

function resolveHead(advertised: Advertised, uri: string): Resolved {
  const id = advertised.refs.get('HEAD')
  if (id === undefined) throw unknownRevision('HEAD', uri, advertised)
  return advertised.head === undefined ? { id } : { id, ref: advertised.head }
}

/** A name as `git check-ref-format` allows it, and a little less: nothing that a shell or an option parser minds. */
export function isRefName(name: string): boolean {
  return (
    name.length <= 250 &&
    /^[\p{L}\p{N}_][\p{L}\p{N}\p{M}_./+@#=,%-]*$/u.test(name) &&
    !/\.\.|\/\/|@\{|\/\.|\.$|\/$|\.lock(?:\/|$)/.test(name)
  )
}

/** Whether a ref is one of those named: exactly, or below one that ends in `/`. */
export function refMatches(ref: string, wanted: readonly string[]): boolean {
  return wanted.some((name) => ref === name || (name.endsWith('/') && ref.startsWith(name)))
}

function notARevision(revision: string): SallyportError {
  return new SallyportError({
    code: 'SOURCE_REVISION',
    where: 'revision',
    expected: 'the name of a branch or tag, HEAD, or a commit hash',
    found: quote(revision),
    fix: 'Name the commit by its full hash (git rev-parse REVISION prints it)',
  })
}

export function unknownRevision(
  revision: string,
  uri: string,
  advertised: Advertised,
): SallyportError {
  const names = [...advertised.refs.keys()].filter((name) => name !== 'HEAD').slice(0, 5)
  return new SallyportError({
    code: 'SOURCE_REVISION_UNKNOWN',
    where: quote(uri),
    expected: `the revision ${quote(revision)}`,
    found:
      names.length === 0
        ? 'no branches and no tags'
        : `${names.map((name) => quote(name)).join(', ')}${advertised.refs.size > 6 ? ', …' : ''}`,
    fix: `Push ${quote(revision)} to the repository, or name a revision that it has`,
  })
}

function ambiguous(
  revision: string,
  found: readonly { readonly id: string; readonly ref: string }[],
  uri: string,
): SallyportError {
  return new SallyportError({
    code: 'SOURCE_REVISION_AMBIGUOUS',
    where: quote(uri),
    expected: `one meaning of ${quote(revision)}`,
    found: found.map(({ ref, id }) => `${quote(ref)} at ${id}`).join(' and '),
    fix: `Write the full name, ${found.map(({ ref }) => quote(ref)).join(' or ')}`,
  })
}
