import { readFileSync, statSync } from 'node:fs'

/**
 * Reads a regular file: a pipe in its place is never waited for.
 *
 * @throws what the system throws, or an error whose code says what was found
 */
export function readRegular(file: string): Uint8Array {
  if (statSync(file).isFile()) return readFileSync(file)
  throw Object.assign(new Error(`${file} is no regular file`), { code: 'a folder, pipe or device' })
}
