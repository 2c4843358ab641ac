// Names of output files are read by people, shells, archives and other systems after they leave the sandbox.
const hidden = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}\p{Cn}\\]/u
const maxName = 255

/** What is wrong with one name in an output directory, or undefined. `bytes` is the name as the file system has it. */
export function nameDefect(bytes: Buffer): string | undefined {
  const name = bytes.toString('utf8')
  if (!Buffer.from(name).equals(bytes)) return 'a name that is not UTF-8'
  if (bytes.length > maxName) return 'a name of more than 255 bytes'
  if (hidden.test(name)) return 'a name with control, invisible or backslash characters'
  if (name.startsWith('-')) return 'a name that begins like an option'
  if (name !== name.trim()) return 'a name that begins or ends with a space'
  return name.normalize('NFC') === name ? undefined : 'a name that is not in Unicode normal form C'
}
