import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const programs = 'sh env ls cp chmod ln find rm mkdir tar cat'.split(' ')

/**
 * A root folder with what the Containerfile needs of its base: Node 24, npm, a shell and a few programs, taken from this
 * machine. It stands in for the image of Debian and Node, which cannot be fetched everywhere.
 */
export function makeBaseFolder(folder: string): void {
  for (const name of [
    'tmp',
    'proc',
    'dev',
    'etc',
    'root',
    'usr/bin',
    'usr/local/bin',
    'usr/local/lib',
  ])
    mkdirSync(join(folder, name), { recursive: true })
  symlinkSync('usr/bin', join(folder, 'bin'))
  for (const name of programs) take(folder, which(name), `usr/bin/${name}`)
  take(folder, process.execPath, 'usr/local/bin/node')
  const npm = dirname(dirname(realpathSync(which('npm'))))
  cpSync(npm, join(folder, 'usr/local/lib/npm'), { recursive: true, dereference: true })
  symlinkSync('/usr/local/lib/npm/bin/npm-cli.js', join(folder, 'usr/local/bin/npm'))
  for (const file of ['/etc/ssl/certs/ca-certificates.crt', '/etc/resolv.conf'])
    if (existsSync(file)) place(folder, file, file)
  writeFileSync(join(folder, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n')
}

function which(name: string): string {
  return execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim()
}

/** A program with the libraries that it is linked to, where it looks for them. */
function take(folder: string, from: string, to: string): void {
  place(folder, from, to)
  const linked = execFileSync('ldd', [from], { encoding: 'utf8' })
  for (const [, library = ''] of linked.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm))
    place(folder, library, library)
}

function place(folder: string, from: string, to: string): void {
  const target = join(folder, to)
  if (existsSync(target)) return
  mkdirSync(dirname(target), { recursive: true })
  cpSync(realpathSync(from), target)
}
