import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '#config'
import { isSha256 } from '#document'

/** Where grants are kept that approvers have handed in: a folder of evidence, by the digest of the artifact. */
export function grantsFolder({ breakglass }: Pick<Config, 'breakglass'>): string {
  return join(breakglass.folder, 'grants')
}

/** The folder of grants, if there are any for an artifact: where there are none, nothing is looked for. */
export function grantsFor(config: Pick<Config, 'breakglass'>, sha256: string): readonly string[] {
  const folder = grantsFolder(config)
  return isSha256(sha256) && existsSync(join(folder, 'sha256', sha256)) ? [folder] : []
}
