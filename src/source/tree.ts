import { quote, SallyportError, type Problem } from '#error'
import { unsafePath } from '#materials'

/** One entry of a git tree that can be part of a build. */
export interface GitEntry {
  readonly path: string
  readonly kind: 'file' | 'executable' | 'symlink'
  readonly object: string
  readonly size: number
}

export interface TreeLimits {
  readonly maxFiles: number
  readonly maxBytes: number
  readonly maxFileBytes: number
}

/**
 * Reads the answer of `git ls-tree -rz --long`, and refuses what cannot be built faithfully: submodules, names that are
 * unsafe or not UTF-8, anything that looks like a repository's own folder, and more than the limits allow.
 */
export function parseTree(output: Buffer, limits: TreeLimits): GitEntry[] {
  const entries: GitEntry[] = []
  const problems: Problem[] = []
  let total = 0
  for (const record of recordsOf(output)) {
    const entry = entryOf(record)
    if ('code' in entry) problems.push(entry)
    else entries.push(entry)
    total += 'code' in entry ? 0 : entry.size
    if (!('code' in entry) && entry.size > limits.maxFileBytes)
      problems.push(tooLarge(quote(entry.path), limits.maxFileBytes, entry.size))
    if (problems.length >= 20) break
  }
  if (entries.length > limits.maxFiles) problems.push(tooMany(limits.maxFiles, entries.length))
  if (total > limits.maxBytes) problems.push(tooLarge('all files', limits.maxBytes, total))
  SallyportError.throwAll(problems)
  return entries
}

function* recordsOf(output: Buffer): Generator<Buffer> {
  for (let start = 0; start < output.length;) {
    const end = output.indexOf(0, start)
    if (end === -1) return
    yield output.subarray(start, end)
    start = end + 1
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function entryOf(record: Buffer): GitEntry | Problem {
  const tab = record.indexOf(0x09)
  const [mode = '', , object = '', size = ''] = record.toString('latin1', 0, tab).split(/ +/)
  const path = decode(record.subarray(tab + 1))
  if (path === undefined)
    return unsafeProblem(record.toString('latin1', tab + 1), 'a name that is not UTF-8')
  const unsafe = unsafePath(path) ?? repositoryFolder(path)
  if (unsafe !== undefined) return unsafeProblem(path, unsafe)
  switch (mode) {
    case '100644':
    case '100664':
      return { path, kind: 'file', object, size: Number(size) }
    case '100755':
      return { path, kind: 'executable', object, size: Number(size) }
    case '120000':
      return { path, kind: 'symlink', object, size: Number(size) }
    case '160000':
      return submodule(path, object)
    default:
      return unsafeProblem(path, `the mode ${quote(mode)}`)
  }
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    // Not UTF-8: the caller refuses it by name.
    return undefined
  }
}

/** `.git` in any spelling that some file system takes for it: a tool in the sandbox would obey its configuration. */
function repositoryFolder(path: string): string | undefined {
  const taken = path.split('/').some((part) => {
    const plain = part
      .replace(/[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g, '')
      .replace(/[. ]+$/, '')
      .toLowerCase()
    return plain === '.git' || /^git~\d$/.test(plain) || plain.startsWith('.git:')
  })
  return taken ? 'a name that git takes for a repository' : undefined
}

function unsafeProblem(path: string, reason: string): Problem {
  return {
    code: 'SOURCE_PATH_UNSAFE',
    where: quote(path),
    expected: 'names that every tool understands alike and that stay in the source',
    found: reason,
    fix: `Rename or remove ${quote(path)} in the repository`,
  }
}

function submodule(path: string, object: string): Problem {
  return {
    code: 'SOURCE_SUBMODULE',
    where: quote(path),
    expected: 'all sources in one repository',
    found: `a submodule at commit ${quote(object)}`,
    fix: `Vendor what ${quote(path)} holds, or publish it as a package and depend on that`,
  }
}

function tooLarge(where: string, limit: number, found: number): Problem {
  return {
    code: 'SOURCE_TOO_LARGE',
    where,
    expected: `at most ${limit} bytes`,
    found: `${found} bytes`,
    fix: 'Keep large files out of the repository, or ask the platform team for a higher limit',
  }
}

function tooMany(limit: number, found: number): Problem {
  return {
    code: 'SOURCE_TOO_LARGE',
    where: 'number of files',
    expected: `at most ${limit}`,
    found: String(found),
    fix: 'Build from a smaller repository, or ask the platform team for a higher limit',
  }
}
