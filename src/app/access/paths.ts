import type { Config } from '#config'
import type { AccessPath } from './path.ts'
import { pathsIn } from './paths-in.ts'
import { pathsOut } from './paths-out.ts'

export interface AccessPathsReport {
  readonly paths: readonly AccessPath[]
}

/**
 * Every way into the gate and out of it, with how each side proves who it is, as configured. Nothing is connected to.
 *
 * @throws SallyportError CONFIG_DATABASE, EVIDENCE_CREDENTIALS
 */
export async function accessPaths(config: Config): Promise<AccessPathsReport> {
  return { paths: [...pathsIn(config), ...(await pathsOut(config))] }
}
