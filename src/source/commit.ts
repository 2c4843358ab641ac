import { quote, SallyportError } from '#error'

/** What a commit object says of itself. Times are claims of whoever made the commit. */
export interface Commit {
  readonly tree: string
  readonly parents: readonly string[]
  /** Seconds since 1970. */
  readonly authorTime: number
  readonly commitTime: number
}

/** Reads the head of a commit object as `git cat-file commit` gives it. */
export function parseCommit(object: Buffer, id: string): Commit {
  const end = object.indexOf('\n\n')
  const lines = object.toString('latin1', 0, end === -1 ? object.length : end).split('\n')
  const value = (key: string): string | undefined =>
    lines.find((line) => line.startsWith(`${key} `))?.slice(key.length + 1)
  const tree = value('tree')
  if (tree === undefined || !/^[0-9a-f]{40,64}$/.test(tree)) throw damaged(id, 'no tree')
  return {
    tree,
    parents: lines.filter((line) => line.startsWith('parent ')).map((line) => line.slice(7)),
    authorTime: timeOf(value('author'), id),
    commitTime: timeOf(value('committer'), id),
  }
}

// The year 9999: what an RFC 3339 time and a tar header can both say.
const latest = 253_402_300_799

function timeOf(person: string | undefined, id: string): number {
  const seconds = Number(/> (-?\d{1,12}) [+-]\d{4}$/.exec(person ?? '')?.[1] ?? Number.NaN)
  if (!Number.isSafeInteger(seconds) || seconds < 0 || seconds > latest)
    throw damaged(id, `the time in ${quote(person ?? 'nothing')}`)
  return seconds
}

function damaged(id: string, found: string): SallyportError {
  return new SallyportError({
    code: 'SOURCE_DAMAGED',
    where: `commit ${id}`,
    expected: 'a commit with a tree, and with times between 1970 and 9999',
    found,
    fix: 'Build another commit; this one cannot be recorded faithfully',
  })
}
