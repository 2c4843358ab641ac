import { tarBlock } from './tar-reader.ts'

/** A member of a tar whose bytes depend on nothing but this. */
export interface TarMember {
  readonly name: string
  readonly type: 'file' | 'directory' | 'symlink'
  readonly size: number
  readonly executable: boolean
  readonly linkname: string
}

/** The header of a member: ustar, owner 0, modes 0755, 0644 or 0777; a pax header before it where ustar is too small. */
export function tarHeader(member: TarMember, mtime: number): Buffer {
  const name = member.type === 'directory' ? `${member.name}/` : member.name
  const pax = [
    ...(fits(name, 100) ? [] : [paxRecord('path', name)]),
    ...(fits(member.linkname, 100) ? [] : [paxRecord('linkpath', member.linkname)]),
    ...(member.size < 0o100000000000 ? [] : [paxRecord('size', String(member.size))]),
  ].join('')
  const own = block(member, name, mtime)
  if (pax === '') return own
  const content = Buffer.from(pax)
  const announced = block(
    { ...member, type: 'file', size: content.length, linkname: '' },
    'pax',
    mtime,
    'x',
  )
  return Buffer.concat([announced, content, Buffer.alloc(paddingOf(content.length)), own])
}

/** Zero bytes that follow a content of this size. */
export function paddingOf(size: number): number {
  return (tarBlock - (size % tarBlock)) % tarBlock
}

export const tarEnd = Buffer.alloc(2 * tarBlock)

function block(member: TarMember, name: string, mtime: number, flag?: string): Buffer {
  const bytes = Buffer.alloc(tarBlock)
  const type = { file: '0', directory: '5', symlink: '2' }[member.type]
  const mode = { file: member.executable ? 0o755 : 0o644, directory: 0o755, symlink: 0o777 }[
    member.type
  ]
  bytes.write(fits(name, 100) ? name : 'see-pax', 0)
  const octal = (value: number, offset: number, length: number) =>
    bytes.write(`${value.toString(8).padStart(length - 1, '0')}\0`, offset)
  octal(mode, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(member.size < 0o100000000000 ? member.size : 0, 124, 12)
  octal(mtime, 136, 12)
  bytes.write(flag ?? type, 156)
  bytes.write(fits(member.linkname, 100) ? member.linkname : 'see-pax', 157)
  bytes.write('ustar\0', 257)
  bytes.write('00', 263)
  bytes.fill(0x20, 148, 156)
  octal(
    bytes.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  )
  return bytes
}

function fits(text: string, length: number): boolean {
  return /^[\x20-\x7e]*$/.test(text) && text.length <= length
}

function paxRecord(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`)
  let length = rest + String(rest).length
  if (rest + String(length).length !== length) length += 1
  return `${length} ${key}=${value}\n`
}
