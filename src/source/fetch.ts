import { quote, SallyportError } from '#error'
import { withFolder, type BlobStore, type StoredBlob } from '#materials'
import { allowedRefs, checkRepositoryAllowed, shortList, type AllowedSource } from './allowed.ts'
import { archiveTree } from './archive.ts'
import { parseCommit } from './commit.ts'
import { fetchInto, openGit, type Git, type GitLimits } from './git.ts'
import { parseRepository, type Repository } from './repository.ts'
import {
  isObjectId,
  isRefName,
  parseAdvertised,
  refMatches,
  resolveRevision,
  unknownRevision,
  type Advertised,
} from './revision.ts'
import { parseTree, type TreeLimits } from './tree.ts'

/** Bounds on time and size of everything that comes from a repository. */
export type SourceLimits = GitLimits & TreeLimits

/** Bounds that hold where the caller sets none. */
export const defaultSourceLimits: SourceLimits = {
  commandMs: 60_000,
  fetchMs: 600_000,
  maxPackBytes: 4 * 1024 ** 3,
  maxFiles: 100_000,
  maxBytes: 2 * 1024 ** 3,
  maxFileBytes: 512 * 1024 ** 2,
}

/** Which commit of which repository, who may be built, and where the result is kept. */
export interface FetchCommitOptions {
  /** A folder, a URL (https, ssh, file; `git+` in front is fine) or `user@host:path`. */
  readonly repository: string
  /** A branch, a tag, HEAD, or a commit's hash. */
  readonly revision: string
  /** The commit must be reachable from one of these (exact names, or beginnings that end in `/`). Without: any branch or tag. */
  readonly refs?: readonly string[]
  /** The builder's own list; a repository or ref that is not on it is refused. */
  readonly allowed?: readonly AllowedSource[]
  readonly workspace: string
  readonly blobs: BlobStore
  readonly limits?: Partial<SourceLimits>
}

/** One commit of one repository, fetched whole and fixed by its hashes. */
export interface SourceSnapshot {
  /** The canonical address, `git+https://…`, `git+ssh://…` or `git+file://…`, without credentials. */
  readonly uri: string
  /** The full commit hash (SHA-1: 40, SHA-256: 64 hexadecimal digits). */
  readonly commit: string
  /** The hash of the commit's tree. */
  readonly tree: string
  /** The ref that the revision named, when it named one that contains the commit and counts. */
  readonly ref?: string
  /** Every ref that contains the commit and counts, sorted. */
  readonly refs: readonly string[]
  /** RFC 3339, UTC. Claims of the commit's maker. */
  readonly authoredAt: string
  readonly committedAt: string
  /** The same as seconds since 1970: the modification time in the archive, and the default SOURCE_DATE_EPOCH. */
  readonly commitTime: number
  /** The tree as a deterministic tar in the blob store. */
  readonly archive: StoredBlob
  readonly fileCount: number
  /** A regular file's bytes, verified again; undefined when the commit has no such path. */
  readonly file: (path: string) => Promise<Uint8Array | undefined>
}

/**
 * Fetches one commit with all its files into the blob store. The commit, not a working tree, is what is fetched: what is
 * not committed is not there. No code, hook, filter or attribute of the repository has any effect.
 *
 * @throws SallyportError SOURCE_*
 */
export async function fetchCommit(options: FetchCommitOptions): Promise<SourceSnapshot> {
  const limits = { ...defaultSourceLimits, ...options.limits }
  const repository = parseRepository(options.repository)
  if (options.allowed !== undefined) checkRepositoryAllowed(repository.uri, options.allowed)
  checkRefs(options.refs ?? [])
  return withFolder(options.workspace, async (folder) => {
    const git = await openGit(folder, repository, limits)
    const advertised = await advertisedBy(git, repository, options.refs ?? [], limits)
    const wanted = resolveRevision(options.revision, advertised, repository.uri)
    await fetchAll(git, folder, repository, advertised, limits)
    const commit = await exactCommit(git, wanted.id, options.revision, repository, advertised)
    const refs = await containingRefs(git, commit, repository, options)
    const ref = wanted.ref !== undefined && refs.includes(wanted.ref) ? wanted.ref : undefined
    return snapshot(git, { uri: repository.uri, commit, refs, ref }, options, limits)
  })
}

async function advertisedBy(
  git: Git,
  repository: Repository,
  refs: readonly string[],
  limits: SourceLimits,
): Promise<Advertised> {
  const extra = refs.map((name) => (name.endsWith('/') ? `${name}*` : name))
  const output = await git.run(
    ['ls-remote', '--symref', '--end-of-options', repository.remote].concat(
      'HEAD',
      'refs/heads/*',
      'refs/tags/*',
      extra,
    ),
    { timeoutMs: limits.fetchMs },
  )
  const counts = (name: string): boolean =>
    name === 'HEAD' || /^refs\/(?:heads|tags)\//.test(name) || refMatches(name, refs)
  return parseAdvertised(output.toString('utf8'), counts)
}

async function fetchAll(
  git: Git,
  folder: string,
  repository: Repository,
  advertised: Advertised,
  limits: SourceLimits,
): Promise<void> {
  const [id = ''] = advertised.refs.values()
  const format = id.length === 64 ? 'sha256' : 'sha1'
  await git.run(['init', '--quiet', '--bare', '--template=', `--object-format=${format}`])
  const extra = [...advertised.refs.keys()].filter(
    (name) => !/^(?:HEAD$|refs\/(?:heads|tags)\/)/.test(name),
  )
  const refspecs = [
    '+refs/heads/*:refs/heads/*',
    '+refs/tags/*:refs/tags/*',
    ...(advertised.refs.has('HEAD') ? ['+HEAD:refs/sallyport/HEAD'] : []),
    ...extra.map((name) => `+${name}:${name}`),
  ]
  const flags = ['--quiet', '--no-tags', '--no-recurse-submodules', '--no-write-fetch-head']
  const args = ['fetch', ...flags, '--update-shallow', '--end-of-options', repository.remote]
  await fetchInto(git, [...args, ...refspecs], folder, limits, repository)
}

/** The one commit meant: a tag is peeled, a shortened hash is completed, and it must be here. */
async function exactCommit(
  git: Git,
  id: string,
  revision: string,
  repository: Repository,
  advertised: Advertised,
): Promise<string> {
  const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${id}^{commit}`]
  try {
    return (await git.run(args)).toString('latin1').trim()
  } catch (cause) {
    if (!(cause instanceof SallyportError) || cause.code !== 'SOURCE_UNAVAILABLE') throw cause
    // All that branches and tags reach is here: a whole hash that is not, is on none of them.
    throw isObjectId(id)
      ? unreachable(id, repository, [], undefined)
      : unknownRevision(revision, repository.uri, advertised)
  }
}

/** The refs that contain the commit, of those that count; a commit that none contains is nobody's (BLD-65). */
async function containingRefs(
  git: Git,
  commit: string,
  repository: Repository,
  options: FetchCommitOptions,
): Promise<readonly string[]> {
  const args = ['for-each-ref', '--format=%(refname)', `--contains=${commit}`]
  const lines = (await git.run(args)).toString('utf8').split('\n')
  const containing = lines
    .map((name) => (name === 'refs/sallyport/HEAD' ? 'HEAD' : name))
    .filter((name) => isRefName(name))
    .toSorted(comparing)
  const wanted = options.refs
  const counting =
    wanted === undefined ? containing : containing.filter((ref) => refMatches(ref, wanted))
  if (counting.length === 0) throw unreachable(commit, repository, containing, wanted)
  return options.allowed === undefined
    ? counting
    : allowedRefs(repository.uri, counting, options.allowed)
}

async function snapshot(
  git: Git,
  found: { uri: string; commit: string; refs: readonly string[]; ref: string | undefined },
  options: FetchCommitOptions,
  limits: SourceLimits,
): Promise<SourceSnapshot> {
  const commit = parseCommit(await git.run(['cat-file', 'commit', found.commit]), found.commit)
  const listing = await git.run(['ls-tree', '-rz', '--long', '--full-tree', commit.tree], {
    maxOutputBytes: 256 * 1024 ** 2,
  })
  const entries = parseTree(listing, limits)
  const archive = await archiveTree(git, entries, commit.commitTime, options)
  return {
    uri: found.uri,
    commit: found.commit,
    tree: commit.tree,
    ...(found.ref === undefined ? {} : { ref: found.ref }),
    refs: found.refs,
    authoredAt: isoTime(commit.authorTime),
    committedAt: isoTime(commit.commitTime),
    commitTime: commit.commitTime,
    archive: archive.blob,
    fileCount: entries.length,
    file: archive.file,
  }
}

function isoTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}

function comparing(a: string, b: string): number {
  return a < b ? -1 : 1
}

function checkRefs(refs: readonly string[]): void {
  const [bad] = refs.filter((ref) => !ref.startsWith('refs/') || !isRefName(ref.replace(/\/$/, '')))
  if (bad === undefined) return
  throw new SallyportError({
    code: 'SOURCE_REVISION',
    where: 'refs',
    expected: 'full ref names, such as "refs/heads/main" or "refs/tags/"',
    found: quote(bad),
    fix: `Write ${quote(`refs/heads/${bad}`)} if a branch is meant`,
  })
}

function unreachable(
  commit: string,
  repository: Repository,
  containing: readonly string[],
  wanted: readonly string[] | undefined,
): SallyportError {
  const expected =
    wanted === undefined ? 'a branch or tag' : wanted.map((ref) => quote(ref)).join(' or ')
  return new SallyportError({
    code: 'SOURCE_UNREACHABLE',
    where: `${quote(repository.uri)} commit ${commit}`,
    expected: `a commit that is part of ${expected}`,
    found:
      containing.length === 0
        ? 'a commit on no branch and no tag'
        : `only on ${shortList(containing)}`,
    fix: `Merge the commit into ${quote(wanted?.[0] ?? 'refs/heads/main')}, then build again`,
  })
}
