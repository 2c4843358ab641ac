import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isSha256 } from '#document'

/** Where grants are kept that approvers have handed in: a folder of evidence, by the digest of the artifact. */
export function grantsFolder(home: string): string {
  return join(home, 'breakglass', 'grants')
}

/** The folder of grants, if there are any for an artifact: where there are none, nothing is looked for. */
export function grantsFor(home: string, sha256: string): readonly string[] {
  const folder = grantsFolder(home)
  return isSha256(sha256) && existsSync(join(folder, 'sha256', sha256)) ? [folder] : []
}
