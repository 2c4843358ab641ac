/** A regular file in a tree. `content` gives exactly `size` bytes. */
export interface TreeFile {
  readonly kind: 'file'
  /** Relative, `/`-separated, no `.`, `..`, empty or control characters. */
  readonly path: string
  readonly mode: number
  readonly size: number
  readonly content: () => Iterable<Uint8Array> | AsyncIterable<Uint8Array>
}

export interface TreeDirectory {
  readonly kind: 'directory'
  readonly path: string
  readonly mode: number
}

export interface TreeSymlink {
  readonly kind: 'symlink'
  readonly path: string
  readonly target: string
}

/** One thing in a tree of files. */
export type TreeEntry = TreeFile | TreeDirectory | TreeSymlink

/** Why a path may not be used in a tree; undefined when it may. */
export function unsafePath(path: string): string | undefined {
  if (path === '') return 'an empty name'
  if (Buffer.byteLength(path) > 4096) return 'a name longer than 4096 bytes'
  if (path.startsWith('/')) return 'an absolute name'
  // U+FFFD is what a name that was not UTF-8 decodes to: two different names would become one.
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f\ufffd]/.test(path) || !path.isWellFormed())
    return 'a name with control characters or bytes that are not UTF-8'
  const parts = path.split('/')
  if (parts.includes('..')) return 'a name that climbs out of the tree'
  if (parts.includes('.') || parts.includes('')) return 'a name with empty parts'
  if (parts.length > 128) return 'a name more than 128 folders deep'
  return parts.some((part) => Buffer.byteLength(part) > 255) ? 'a part over 255 bytes' : undefined
}

/** Where a symlink leads, relative to the tree's top; undefined when that is outside the tree. */
export function linkDestination(path: string, target: string): string | undefined {
  if (target === '' || target.startsWith('/')) return undefined
  const parts = path.split('/').slice(0, -1)
  for (const part of target.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.pop() === undefined) return undefined
  }
  return parts.join('/')
}

/** The order of entries in every archive Sallyport writes: by the bytes of the path's UTF-8. */
export function comparePaths(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
