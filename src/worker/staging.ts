import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { cellProgram } from './cell-program.ts'
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

/** Makes the folder and puts the program of the cell into it. */
export function makeStaging(identity: CellIdentity): Staging {
  // TMPDIR of root may be a place that no other uid can reach.
  const base = mkdtempSync(
    join(identity.rootless ? tmpdir() : '/tmp', `sallyport-step-${process.pid}-`),
  )
  const code = join(base, 'code')
  const folder = join(base, 'scratch')
  mkdirSync(code)
  mkdirSync(folder)
  if (identity.startAs !== undefined) chownSync(folder, identity.startAs.uid, identity.startAs.gid)
  for (const [name, content] of cellProgram()) {
    writeFileSync(join(code, name), content)
    chmodSync(join(code, name), 0o644)
  }
  chmodSync(code, 0o755)
  chmodSync(folder, 0o711)
  chmodSync(base, 0o711)
  return {
    base,
    supervisor: join(code, 'supervisor.js'),
    folder,
    remove: () => rmSync(base, { recursive: true, force: true }),
  }
}
