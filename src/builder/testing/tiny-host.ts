import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { HostOptions } from '#materials'

/** A machine with two small packages, for builds whose worker runs nothing: a root of kilobytes. */
export function tinyHost(folder: string): HostOptions {
  const [root, adminDir] = [join(folder, 'host'), join(folder, 'dpkg')]
  const names = ['dash', 'coreutils']
  const architecture = process.arch === 'x64' ? 'amd64' : 'arm64'
  mkdirSync(join(root, 'usr/bin'), { recursive: true })
  for (const sub of ['info', 'updates', 'triggers'])
    mkdirSync(join(adminDir, sub), { recursive: true })
  for (const name of names) {
    writeFileSync(join(root, 'usr/bin', name), `the program ${name}`, { mode: 0o755 })
    writeFileSync(join(adminDir, 'info', `${name}.list`), `/.\n/usr\n/usr/bin\n/usr/bin/${name}\n`)
  }
  const paragraph = (name: string): string =>
    [
      `Package: ${name}`,
      'Status: install ok installed',
      'Priority: required',
      'Maintainer: A <a@example.com>',
      `Architecture: ${architecture}`,
      'Version: 1.0',
      `Description: ${name}`,
    ].join('\n')
  writeFileSync(join(adminDir, 'status'), `${names.map(paragraph).join('\n\n')}\n`)
  writeFileSync(join(adminDir, 'arch'), `${architecture}\n`)
  return { root, adminDir }
}
