import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  writeSync,
  type Stats,
} from 'node:fs'

import type { Without } from './defence.ts'
import { nameDefect } from './output-names.ts'
import { paddingOf, tarEnd, tarHeader, type TarMember } from './tar-writer.ts'

/** Why an output is not accepted. */
export interface Refusal {
  readonly kind: 'missing' | 'type' | 'links' | 'mode' | 'name' | 'size'
  /** Relative to `/build`. */
  readonly path: string
  readonly found: string
}

export interface CollectOptions {
  readonly build: string
  readonly maxBytes: number
  /** Seconds, of every member of a directory. */
  readonly mtime: number
  readonly without: Without
}

const bufferSize = 1 << 20
const setIds = 0o6000
const maxPath = 1024

/**
 * Copies outputs out of the folder of a step whose processes are all dead, into descriptors that the caller opened.
 * No link is followed anywhere, only regular files with one name are read, and what is copied is bounded.
 */
export class Collector {
  readonly #options: CollectOptions
  readonly #buffer = Buffer.allocUnsafe(bufferSize)
  #left: number

  constructor(options: CollectOptions) {
    this.#options = options
    this.#left = options.maxBytes
  }

  /** Everything that is wrong with the output; nothing when it was copied. */
  collect(output: {
    readonly path: string
    readonly type: 'file' | 'directory'
    readonly fd: number
  }): readonly Refusal[] {
    const reached = this.#reach(output.path)
    if ('kind' in reached) return [reached]
    const members =
      output.type === 'directory'
        ? this.#survey(output.path, reached)
        : this.#surveyFile(output.path, reached)
    if (!('members' in members)) return members
    const bytes = members.members.reduce((sum, { size }) => sum + size, 0)
    if (bytes > this.#left && !this.#options.without.has('output-size'))
      return [this.#refusal('size', output.path, `${bytes} bytes`)]
    this.#left -= bytes
    if (output.type === 'file') this.#copy(output.path, bytes, output.fd)
    else this.#copyTree(output.path, members.members, output.fd)
    return []
  }

  /** Walks to a path without following a link at any step. */
  #reach(path: string): Stats | Refusal {
    const parts = path.split('/')
    let stats: Stats | undefined
    for (let count = 1; count <= parts.length; count += 1) {
      const at = parts.slice(0, count).join('/')
      stats = lstatSync(this.#on(at), { throwIfNoEntry: false })
      if (stats === undefined) return this.#refusal('missing', at, 'nothing')
      const last = count === parts.length
      if (!last && !stats.isDirectory() && !this.#mayFollow(stats))
        return this.#refusal(
          stats.isSymbolicLink() ? 'links' : 'type',
          at,
          typeOf(stats, this.#on(at)),
        )
    }
    return stats ?? this.#refusal('missing', path, 'nothing')
  }

  #surveyFile(path: string, stats: Stats): { readonly members: readonly TarMember[] } | Refusal[] {
    const refusals = this.#defectsOfFile(path, stats)
    if (refusals.length > 0) return refusals
    const size = this.#mayFollow(stats) ? fileSize(this.#on(path)) : stats.size
    return { members: [{ name: path, type: 'file', size, executable: false, linkname: '' }] }
  }

  #survey(path: string, stats: Stats): { readonly members: readonly TarMember[] } | Refusal[] {
    if (!stats.isDirectory()) return [this.#refusal('type', path, typeOf(stats, this.#on(path)))]
    const members: TarMember[] = []
    const refusals: Refusal[] = []
    this.#surveyFolder(path, '', members, refusals)
    return refusals.length > 0 ? refusals : { members }
  }

  #surveyFolder(top: string, below: string, members: TarMember[], refusals: Refusal[]): void {
    const folder = below === '' ? top : `${top}/${below}`
    const names = readdirSync(Buffer.from(this.#on(folder)), { encoding: 'buffer' })
    for (const bytes of names.sort((a, b) => Buffer.compare(a, b))) {
      const name = bytes.toString('utf8')
      const path = `${folder}/${name}`
      const defect = this.#options.without.has('output-names') ? undefined : nameDefect(bytes)
      if (defect !== undefined) refusals.push(this.#refusal('name', path, defect))
      else this.#surveyMember(top, below === '' ? name : `${below}/${name}`, members, refusals)
    }
  }

  #surveyMember(top: string, name: string, members: TarMember[], refusals: Refusal[]): void {
    const path = `${top}/${name}`
    if (Buffer.byteLength(path) > maxPath) {
      refusals.push(
        this.#refusal('name', path.slice(0, maxPath), `a path of more than ${maxPath} bytes`),
      )
      return
    }
    const stats = lstatSync(this.#on(path))
    const executable = (stats.mode & 0o111) !== 0
    if (stats.isDirectory()) {
      refusals.push(...this.#defectsOfMode(path, stats))
      members.push({ name, type: 'directory', size: 0, executable, linkname: '' })
      this.#surveyFolder(top, name, members, refusals)
    } else if (stats.isSymbolicLink()) {
      const linkname = readlinkSync(this.#on(path))
      if (!this.#options.without.has('output-links') && !staysInside(name, linkname))
        refusals.push(
          this.#refusal('links', path, `a symbolic link to ${JSON.stringify(linkname)}`),
        )
      else members.push({ name, type: 'symlink', size: 0, executable, linkname })
    } else {
      const defects = this.#defectsOfFile(path, stats)
      refusals.push(...defects)
      if (defects.length === 0)
        members.push({ name, type: 'file', size: stats.size, executable, linkname: '' })
    }
  }

  #defectsOfFile(path: string, stats: Stats): Refusal[] {
    const { without } = this.#options
    if (!stats.isFile() && !this.#mayFollow(stats) && !without.has('output-types'))
      return [
        this.#refusal(
          stats.isSymbolicLink() ? 'links' : 'type',
          path,
          typeOf(stats, this.#on(path)),
        ),
      ]
    return [
      ...(stats.nlink === 1 || without.has('output-hard-links')
        ? []
        : [this.#refusal('links', path, `a file with ${stats.nlink} names (hard links)`)]),
      ...this.#defectsOfMode(path, stats),
    ]
  }

  #defectsOfMode(path: string, stats: Stats): Refusal[] {
    const special = stats.mode & setIds
    if (special === 0 || this.#options.without.has('output-modes')) return []
    return [
      this.#refusal('mode', path, `mode ${(stats.mode & 0o7777).toString(8).padStart(4, '0')}`),
    ]
  }

  #copyTree(top: string, members: readonly TarMember[], to: number): void {
    for (const member of members) {
      this.#write(tarHeader(member, this.#options.mtime), to)
      if (member.type !== 'file') continue
      this.#copy(`${top}/${member.name}`, member.size, to)
      this.#write(Buffer.alloc(paddingOf(member.size)), to)
    }
    this.#write(tarEnd, to)
  }

  #copy(path: string, size: number, to: number): void {
    const follow = this.#options.without.has('output-links') ? 0 : constants.O_NOFOLLOW
    const fd = openSync(this.#on(path), constants.O_RDONLY | constants.O_NONBLOCK | follow)
    try {
      for (let left = size; left > 0;) {
        const read = readSync(fd, this.#buffer, 0, Math.min(left, bufferSize), null)
        if (read === 0) throw new Error(`${path} became shorter while nobody could write to it`)
        this.#write(this.#buffer.subarray(0, read), to)
        left -= read
      }
    } finally {
      closeSync(fd)
    }
  }

  #write(bytes: Buffer, to: number): void {
    for (let done = 0; done < bytes.length;) done += writeSync(to, bytes, done)
  }

  #mayFollow(stats: Stats): boolean {
    return stats.isSymbolicLink() && this.#options.without.has('output-links')
  }

  #refusal(kind: Refusal['kind'], path: string, found: string): Refusal {
    return { kind, path, found }
  }

  #on(path: string): string {
    return `${this.#options.build}/${path}`
  }
}

function fileSize(path: string): number {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    return fstatSync(fd).size
  } finally {
    closeSync(fd)
  }
}

function typeOf(stats: Stats, path: string): string {
  if (stats.isSymbolicLink()) return `a symbolic link to ${JSON.stringify(readlinkSync(path))}`
  if (stats.isDirectory()) return 'a directory'
  if (stats.isFIFO()) return 'a named pipe'
  if (stats.isSocket()) return 'a socket'
  return stats.isFile() ? 'a file' : 'a device'
}

/**
 * Whether a relative link, followed inside the directory, stays in it. `name` is the link's own path in it. Steps up
 * are only allowed at the beginning, where they start from a real directory: after a name they could start from
 * wherever another link leads.
 */
export function staysInside(name: string, target: string): boolean {
  const parts = target.split('/')
  const up = parts.findIndex((part) => part !== '..')
  const rest = up < 0 ? [] : parts.slice(up)
  if (target.startsWith('/') || rest.includes('..') || rest.some((part) => part === ''))
    return false
  if (rest.some((part) => part !== '.' && nameDefect(Buffer.from(part)) !== undefined)) return false
  return (up < 0 ? parts.length : up) <= name.split('/').length - 1
}
