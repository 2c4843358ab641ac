import type { TreeEntry } from './entry.ts'

const block = 512
const largestUstarSize = 0o77777777777
const nameField = 100
const prefixField = 155
const typeFlags = { file: '0', symlink: '2', directory: '5' } as const

/** The header blocks of one entry: POSIX.1-2001 ustar, preceded by PAX records for what ustar has no room for. */
export function entryHeader(entry: TreeEntry, mtime: number): Uint8Array {
  const name = entry.kind === 'directory' ? `${entry.path}/` : entry.path
  const target = entry.kind === 'symlink' ? entry.target : ''
  const size = entry.kind === 'file' ? entry.size : 0
  const split = splitName(name)
  const header = ustar({
    name: split?.name ?? stand(name),
    prefix: split?.prefix ?? '',
    target: stand(target),
    mode: entry.kind === 'symlink' ? 0o777 : entry.mode,
    size: size > largestUstarSize ? 0 : size,
    mtime,
    type: typeFlags[entry.kind],
  })
  const records = paxRecords(split === undefined ? name : '', target, size)
  return records === '' ? header : Buffer.concat([paxBlocks(records, mtime), header])
}

function paxRecords(name: string, target: string, size: number): string {
  return [
    fits(target, nameField) ? '' : paxRecord('linkpath', target),
    name === '' ? '' : paxRecord('path', name),
    size > largestUstarSize ? paxRecord('size', String(size)) : '',
  ].join('')
}

function paxBlocks(records: string, mtime: number): Uint8Array {
  const body = Buffer.from(records)
  const header = ustar({
    name: 'PaxHeaders/entry',
    prefix: '',
    target: '',
    mode: 0o644,
    size: body.length,
    mtime,
    type: 'x',
  })
  return Buffer.concat([header, body, Buffer.alloc((block - (body.length % block)) % block)])
}

/** `LENGTH KEY=VALUE\n`, where LENGTH counts the bytes of the whole record, itself included. */
function paxRecord(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`)
  let length = rest + String(rest).length
  if (rest + String(length).length !== length) length += 1
  return `${length} ${key}=${value}\n`
}

interface Ustar {
  readonly name: string
  readonly prefix: string
  readonly target: string
  readonly mode: number
  readonly size: number
  readonly mtime: number
  readonly type: string
}

function ustar(fields: Ustar): Buffer {
  const header = Buffer.alloc(block)
  header.write(fields.name, 0, nameField, 'latin1')
  octal(header, 100, 8, fields.mode)
  octal(header, 108, 8, 0)
  octal(header, 116, 8, 0)
  octal(header, 124, 12, fields.size)
  octal(header, 136, 12, fields.mtime)
  header.write(fields.type, 156, 1, 'latin1')
  header.write(fields.target, 157, nameField, 'latin1')
  header.write('ustar\0', 257, 'latin1')
  header.write('00', 263, 'latin1')
  octal(header, 329, 8, 0)
  octal(header, 337, 8, 0)
  header.write(fields.prefix, 345, prefixField, 'latin1')
  header.fill(' ', 148, 156)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return header
}

function octal(header: Buffer, offset: number, width: number, value: number): void {
  header.write(`${value.toString(8).padStart(width - 1, '0')}\0`, offset, 'latin1')
}

/** The longest prefix that fits is taken, so that there is one way to split a name. */
function splitName(name: string): { name: string; prefix: string } | undefined {
  if (fits(name, nameField)) return { name, prefix: '' }
  if (!isAscii(name)) return undefined
  const slash = name.lastIndexOf('/', Math.min(prefixField, name.length - 2))
  if (slash <= 0 || name.length - slash - 1 > nameField) return undefined
  return { name: name.slice(slash + 1), prefix: name.slice(0, slash) }
}

function fits(text: string, width: number): boolean {
  return isAscii(text) && text.length <= width
}

function isAscii(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text)
}

/** What a reader without PAX shows; readers with PAX never look at it. */
function stand(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '_').slice(0, nameField)
}
