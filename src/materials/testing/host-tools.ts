import { existsSync } from 'node:fs'

/** Why tests that use these programs are skipped on this machine; false when they are not. */
export function missingTools(...names: readonly string[]): string | false {
  const folders = ['/usr/bin', '/bin', '/usr/sbin', '/sbin']
  const missing = names.filter((name) => !folders.some((folder) => existsSync(`${folder}/${name}`)))
  return missing.length > 0 && `skipped: no ${missing.join(', ')} on this machine`
}
