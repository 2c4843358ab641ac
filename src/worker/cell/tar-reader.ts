/** A member of a tar, as the header (and the extended headers before it) say it. Names are byte strings (latin1). */
export interface TarHeader {
  readonly name: string
  readonly type: 'file' | 'directory' | 'symlink' | 'hardlink'
  readonly size: number
  readonly executable: boolean
  /** Seconds. */
  readonly mtime: number
  readonly linkname: string
}

export const tarBlock = 512

/** The bytes are not a tar that may be unpacked. The message says what was found. */
export class TarError extends Error {
  override readonly name = 'TarError'
}

type Extension = 'pax' | 'ignored' | 'long-name' | 'long-link'
const members: Readonly<Record<string, TarHeader['type']>> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '5': 'directory',
}
const extensions: Readonly<Record<string, Extension>> = {
  x: 'pax',
  g: 'ignored',
  L: 'long-name',
  K: 'long-link',
}

/** What one block of 512 bytes announces. */
export type Announcement =
  | { readonly kind: 'end' }
  | { readonly kind: 'extension'; readonly extension: Extension; readonly size: number }
  | { readonly kind: 'member'; readonly header: TarHeader }

/** Extended headers collected for the next member. */
export interface Extended {
  path?: string
  linkpath?: string
  size?: number
  mtime?: number
}

/** Reads one header block. Refuses devices, pipes, sparse files and everything else that is not known. */
export function readTarHeader(block: Buffer, extended: Extended): Announcement {
  if (block.every((byte) => byte === 0)) return { kind: 'end' }
  if (checksum(block) !== octal(block, 148, 8, 'checksum'))
    throw new TarError('a header whose checksum is wrong')
  const flag = String.fromCharCode(block[156] ?? 0)
  const size = extended.size ?? octal(block, 124, 12, 'size')
  const extension = extensions[flag]
  if (extension !== undefined) {
    if (size > 1 << 20) throw new TarError(`an extended header of ${size} bytes`)
    return { kind: 'extension', extension, size }
  }
  const type = members[flag]
  if (type === undefined)
    throw new TarError(`a member of type ${JSON.stringify(flag)} (a device, pipe or sparse file)`)
  return { kind: 'member', header: memberOf(block, type, size, extended) }
}

function memberOf(
  block: Buffer,
  type: TarHeader['type'],
  size: number,
  extended: Extended,
): TarHeader {
  const name = extended.path ?? ustarName(block)
  return {
    name,
    type: type === 'file' && name.endsWith('/') ? 'directory' : type,
    size: type === 'file' ? size : 0,
    executable: (octal(block, 100, 8, 'mode') & 0o111) !== 0,
    mtime: extended.mtime ?? octal(block, 136, 12, 'mtime'),
    linkname: extended.linkpath ?? field(block, 157, 100),
  }
}

/** Adds what an extended header says. Keys that do not concern the worker (owners, comments …) are passed over. */
export function extend(extended: Extended, extension: Extension, content: Buffer): void {
  if (extension === 'long-name') extended.path = untilNul(content)
  if (extension === 'long-link') extended.linkpath = untilNul(content)
  if (extension !== 'pax') return
  for (const [key, value] of paxRecords(content)) {
    if (key === 'path') extended.path = value
    if (key === 'linkpath') extended.linkpath = value
    if (key === 'size') extended.size = decimal(value, 'size')
    if (key === 'mtime') extended.mtime = Math.floor(Number(value)) || 0
    if (key.startsWith('GNU.sparse.')) throw new TarError('a sparse file')
  }
}

function* paxRecords(content: Buffer): Generator<readonly [string, string]> {
  let at = 0
  while (at < content.length) {
    const space = content.indexOf(0x20, at)
    const length = decimal(
      content.toString('latin1', at, space < 0 ? at : space),
      'pax record length',
    )
    const end = at + length
    const equals = content.indexOf(0x3d, space)
    if (equals < 0 || end > content.length || equals >= end || content[end - 1] !== 0x0a)
      throw new TarError('a pax record that does not end where it says')
    yield [
      content.toString('latin1', space + 1, equals),
      content.toString('latin1', equals + 1, end - 1),
    ]
    at = end
  }
}

function ustarName(block: Buffer): string {
  const name = field(block, 0, 100)
  // Only POSIX ustar has a prefix; GNU keeps other things there.
  const posix = block.toString('latin1', 257, 263) === 'ustar\0'
  const prefix = posix ? field(block, 345, 155) : ''
  return prefix === '' ? name : `${prefix}/${name}`
}

function field(block: Buffer, offset: number, length: number): string {
  return untilNul(block.subarray(offset, offset + length))
}

function untilNul(bytes: Buffer): string {
  const end = bytes.indexOf(0)
  return bytes.toString('latin1', 0, end < 0 ? bytes.length : end)
}

function octal(block: Buffer, offset: number, length: number, what: string): number {
  if (((block[offset] ?? 0) & 0x80) !== 0) return base256(block, offset, length, what)
  const text = field(block, offset, length).trim()
  if (!/^[0-7]*$/.test(text)) throw new TarError(`${what} ${JSON.stringify(text)}`)
  return text === '' ? 0 : Number.parseInt(text, 8)
}

function base256(block: Buffer, offset: number, length: number, what: string): number {
  let value = (block[offset] ?? 0) & 0x7f
  for (const byte of block.subarray(offset + 1, offset + length)) value = value * 256 + byte
  if (!Number.isSafeInteger(value)) throw new TarError(`${what} beyond 2^53`)
  return value
}

function decimal(text: string, what: string): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (Number.isNaN(value)) throw new TarError(`${what} ${JSON.stringify(text)}`)
  return value
}

function checksum(block: Buffer): number {
  let sum = 8 * 0x20
  for (let index = 0; index < 148; index += 1) sum += block[index] ?? 0
  for (let index = 156; index < tarBlock; index += 1) sum += block[index] ?? 0
  return sum
}
