import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { Blob } from '#worker'

import { paddingOf, tarEnd, tarHeader } from '../../src/worker/cell/tar-writer.ts'

// What an attacker has to work with: the shell and the small tools of this machine, with their libraries.
const programs =
  'dash cat chmod cp date dd env find grep head id link ln ls mkdir mkfifo mv readlink rm seq setsid sleep stat sync tail tee touch tr true truncate wc yes'.split(
    ' ',
  )

export interface TarFile {
  readonly content?: Uint8Array | string
  readonly executable?: boolean
  readonly linkname?: string
}

/** Where this process puts its files; another one removes them when this one is killed on purpose. */
export const temporary = process.env['SALLYPORT_TEST_FOLDER'] ?? tmpdir()
const folder = mkdtempSync(join(temporary, 'sallyport-hostile-'))
process.on('exit', () => spawnSync('rm', ['-rf', folder]))
let written = 0

/** A tar of these files (name -> content), as a blob on the disk. */
export function tarOf(files: Readonly<Record<string, TarFile>>, mtime = 1_000_000_000): Blob {
  const parts = Object.entries(files).flatMap(
    ([name, { content = '', executable = false, linkname }]) => {
      const bytes = Buffer.from(content)
      const type = linkname === undefined ? 'file' : 'symlink'
      const member = {
        name,
        type,
        size: bytes.length,
        executable,
        linkname: linkname ?? '',
      } as const
      return [tarHeader(member, mtime), bytes, Buffer.alloc(paddingOf(bytes.length))]
    },
  )
  return blobOf(Buffer.concat([...parts, tarEnd]))
}

/** Bytes on the disk, with what they hash to. */
export function blobOf(bytes: Uint8Array): Blob {
  const path = join(folder, `blob-${(written += 1)}`)
  writeFileSync(path, bytes, { mode: 0o644 })
  return { path, sha256: createHash('sha256').update(bytes).digest('hex'), size: bytes.length }
}

let root: Blob | undefined

/** Made once per process. */
export function smallRoot(extra: readonly string[] = []): Blob {
  if (extra.length > 0) return tarOf(filesOf([...programs, ...extra]))
  root ??= tarOf(filesOf(programs))
  return root
}

function filesOf(names: readonly string[]): Record<string, TarFile> {
  const paths = names.map((name) =>
    name.startsWith('/')
      ? name
      : ['/usr/bin', '/bin'].map((at) => `${at}/${name}`).find(existsSync),
  )
  const present = paths.filter((path) => path !== undefined)
  return {
    ...Object.fromEntries(
      present.map((path) => [`usr/bin/${path.split('/').at(-1)}`, executable(path)]),
    ),
    ...Object.fromEntries(librariesOf(present).map((path) => [path.slice(1), executable(path)])),
    'usr/bin/sh': { linkname: 'dash' },
    'bin/sh': { linkname: '../usr/bin/dash' },
  }
}

function executable(path: string): TarFile {
  return { content: readFileSync(realpathSync(path)), executable: true }
}

// `ldd` prints the absolute path of every library, of the loader too.
function librariesOf(paths: readonly string[]): string[] {
  const { stdout } = spawnSync('ldd', paths, { encoding: 'utf8' })
  const found = [...stdout.matchAll(/(\/[^\s:()]+\.so[^\s:()]*)(?=\s\()/g)].map(
    ([, path]) => path ?? '',
  )
  return [...new Set(found)].sort()
}
