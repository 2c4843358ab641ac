import type { Storage } from '../workspace.ts'
import { loadNpmAccess, type Environment, type NpmAccess } from './config.ts'
import { obtainTarball, type Obtained, type WantedTarball } from './obtain.ts'
import { openRegistry, type Registry, type RegistryOptions } from './registry.ts'

export interface SupplyOptions extends RegistryOptions {
  /** How registries are reached; default: what this machine's npm is configured to. */
  readonly npm?: NpmAccess
  /** Where npm's configuration is looked for; default: this process's environment. */
  readonly environment?: Environment
}

/** Tarballs, from wherever they can be had. The machine's npm is asked for its configuration at most once, and late. */
export interface Supply {
  obtain(wanted: WantedTarball): Promise<Obtained>
  integrity(name: string, version: string): Promise<string>
  close(): Promise<void>
}

export function openSupply(storage: Storage, options: SupplyOptions): Supply {
  let access: Promise<NpmAccess> | undefined
  let opened: Promise<Registry> | undefined
  const accessOnce = (): Promise<NpmAccess> =>
    (access ??=
      options.npm === undefined ? loadNpmAccess(options.environment) : Promise.resolve(options.npm))
  const registry = (): Promise<Registry> =>
    (opened ??= accessOnce().then((ready) => openRegistry(ready, options)))
  const cache = async (): Promise<string | undefined> => (await accessOnce()).cache
  return {
    obtain: (wanted) => obtainTarball(wanted, storage, registry, cache),
    integrity: async (name, version) => (await registry()).integrity(name, version),
    close: async () => (await opened?.catch(() => undefined))?.close(),
  }
}
