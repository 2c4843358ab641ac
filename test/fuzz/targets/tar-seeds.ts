/** A ustar archive by hand: a folder, two files, a link, a pax header and a GNU long name. */
export function tarSeeds(): readonly Buffer[] {
  const pax = record('path=a/long/name.txt') + record('mtime=1700000000.5') + record('size=5')
  const members = [
    member('a/', '5', ''),
    member('a/b.txt', '0', 'hello'),
    member('a/run', '0', '#!/bin/sh\n', '0000755'),
    member('a/link', '2', '', '0000777', 'b.txt'),
    member('pax', 'x', pax),
    member('ignored', '0', 'hello'),
    member('././@LongLink', 'L', `${'n/'.repeat(80)}file\0`),
    member('short', '0', 'long'),
  ]
  const end = Buffer.alloc(1024)
  return [
    Buffer.concat([...members, end]),
    Buffer.concat([...members.slice(0, 3), end]),
    ...members,
  ]
}

function record(text: string): string {
  const length = [1, 2, 3].map((digits) => digits + text.length + 2)
  const total = length.find((size, index) => String(size).length === index + 1) ?? 0
  return `${total} ${text}\n`
}

function member(name: string, type: string, content: string, mode = '0000644', link = ''): Buffer {
  const header = Buffer.alloc(512)
  header.write(name, 0, 100, 'latin1')
  header.write(`${mode}\0`, 100)
  header.write('0000000\0', 108)
  header.write('0000000\0', 116)
  header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124)
  header.write('14524763400\0', 136)
  header.write('        ', 148)
  header.write(type, 156)
  header.write(link, 157, 100, 'latin1')
  header.write('ustar\x0000', 257, 'latin1')
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  const body = Buffer.alloc(Math.ceil(content.length / 512) * 512)
  body.write(content, 'latin1')
  return Buffer.concat([header, body])
}
