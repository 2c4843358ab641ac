import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'

import type { CellIdentity } from './identity.ts'

/** A folder of the host for one step. Nothing in it is visible to the commands. */
export interface Staging {
  readonly base: string
  /** The program of the cell, readable for the cell's uid wherever this package is installed. */
  readonly supervisor: string
  /** Where the cell mounts its memory. */
  readonly folder: string
  remove(): void
}

const extension = extname(import.meta.filename)

/** Makes the folder and copies the program of the cell into it. */
export function makeStaging(identity: CellIdentity): Staging {
  // TMPDIR of root may be a place that no other uid can reach.
  const base = mkdtempSync(join(identity.rootless ? tmpdir() : '/tmp', 'sallyport-'))
  chmodSync(base, 0o711)
  const code = join(base, 'code')
  const folder = join(base, 'scratch')
  mkdirSync(code)
  mkdirSync(folder, { mode: 0o711 })
  chmodSync(code, 0o755)
  chmodSync(folder, 0o711)
  if (identity.startAs !== undefined) chownSync(folder, identity.startAs.uid, identity.startAs.gid)
  copyProgram(code)
  return {
    base,
    supervisor: join(code, `supervisor${extension}`),
    folder,
    remove: () => rmSync(base, { recursive: true, force: true }),
  }
}

function copyProgram(to: string): void {
  const from = join(import.meta.dirname, 'cell')
  const files = readdirSync(from).filter(
    (name) => extname(name) === extension && !name.includes('.test.'),
  )
  for (const name of files) {
    copyFileSync(join(from, name), join(to, name))
    chmodSync(join(to, name), 0o644)
  }
  writeFileSync(join(to, 'package.json'), '{"type":"module"}\n')
  chmodSync(join(to, 'package.json'), 0o644)
}
