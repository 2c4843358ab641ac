import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'

/** A tarball as `npm pack` would make it: everything below `package/`. */
export function packTarball(files: Readonly<Record<string, string>>): Uint8Array {
  return packEntries(Object.entries(files).map(([path, text]) => [`package/${path}`, text]))
}

/** A tarball with entries that are called as they are. */
export function packEntries(entries: readonly (readonly [string, string])[]): Uint8Array {
  const packed = entries.map(([path, text]) => entry(path, text))
  return gzipSync(Buffer.concat([...packed, Buffer.alloc(1024)]))
}

/** A package with one module that exports its version. */
export function packPackage(manifest: Readonly<Record<string, unknown>>): Uint8Array {
  return packTarball({
    'package.json': JSON.stringify(manifest),
    'index.js': `module.exports = ${JSON.stringify(manifest['version'])}\n`,
  })
}

export function integrityOf(bytes: Uint8Array): string {
  return `sha512-${createHash('sha512').update(bytes).digest('base64')}`
}

function entry(path: string, text: string): Buffer {
  const content = Buffer.from(text)
  const header = Buffer.alloc(512)
  const octal = (value: number, length: number): string => value.toString(8).padStart(length, '0')
  header.write(path, 0)
  header.write(`${octal(0o644, 7)}\0${octal(0, 7)}\0${octal(0, 7)}\0`, 100)
  header.write(`${octal(content.length, 11)}\0${octal(0, 11)}\0        0`, 124)
  header.write('ustar\x0000', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${octal(sum, 6)}\0 `, 148)
  return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)])
}
