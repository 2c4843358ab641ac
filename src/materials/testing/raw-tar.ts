/** One header and body of a tar archive, written without any check: what an attacker would write. */
export interface RawEntry {
  readonly name: string
  /** `0` file, `1` hard link, `2` symlink, `3` device, `5` folder, `6` fifo, `x` PAX … */
  readonly type?: string
  readonly body?: string | Uint8Array
  readonly target?: string
  readonly mode?: number
  /** The size in the header, when it is to lie. */
  readonly size?: number
  /** A byte that the checksum does not know of. */
  readonly corrupt?: boolean
}

/** A tar archive of these entries, in this order. */
export function rawTar(
  entries: readonly RawEntry[],
  options: { readonly end?: boolean } = {},
): Uint8Array {
  const end = options.end === false ? [] : [Buffer.alloc(1024)]
  return Buffer.concat([...entries.map(rawEntry), ...end])
}

function rawEntry(entry: RawEntry): Buffer {
  const body = Buffer.from(entry.body ?? '')
  const header = Buffer.alloc(512)
  header.write(entry.name, 0, 100)
  header.write(`${(entry.mode ?? 0o644).toString(8).padStart(7, '0')}\0`, 100)
  header.write('0000000\0', 108)
  header.write('0000000\0', 116)
  header.write(`${(entry.size ?? body.length).toString(8).padStart(11, '0')}\0`, 124)
  header.write('00000000000\0', 136)
  header.write(entry.type ?? '0', 156)
  header.write(entry.target ?? '', 157, 100)
  header.write('ustar\u000000', 257, 'latin1')
  header.fill(' ', 148, 156)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  if (entry.corrupt === true) header[0] = 0x21
  return Buffer.concat([header, body, Buffer.alloc((512 - (body.length % 512)) % 512)])
}

/** The body of a PAX header (type `x`). */
export function paxBody(records: Readonly<Record<string, string>>): string {
  return Object.entries(records)
    .map(([key, value]) => {
      const rest = Buffer.byteLength(` ${key}=${value}\n`)
      let length = rest + String(rest).length
      if (rest + String(length).length !== length) length += 1
      return `${length} ${key}=${value}\n`
    })
    .join('')
}
