import { SallyportError, type Problem } from '#error'
import { bindingOf, type Binding } from './binding.ts'
import { rememberDescribed, rememberRecorded, type Recorded } from './described.ts'
import { watchImpostors, type ImpostorWatch } from './impostors.ts'
import type { PackageName } from './name.ts'
import type { NpmProxyPorts } from './ports.ts'
import { screen } from './screen.ts'
import type { NpmProxySettings } from './settings.ts'
import { openSlots } from './slots.ts'
import { fetchPackument, type Described } from './upstream.ts'
import type { VersionRecord } from './packument.ts'

/** What the routes of the proxy share. */
export interface Packages {
  readonly settings: NpmProxySettings
  readonly ports: NpmProxyPorts
  readonly impostors: ImpostorWatch
  readonly recorded: Recorded
  /** So many tarballs are in memory at a time. */
  readonly slot: <T>(deed: () => Promise<T>) => Promise<T>
  /** Why a version is refused by what its registry says of it. */
  screen(record: VersionRecord, name: PackageName, binding: Binding): readonly Problem[]
  /** The registry of a name. Resolves after it was recorded that there is none. */
  bind(name: PackageName, requester: string): Promise<Binding>
  describe(name: PackageName, binding: Binding, form: 'abbreviated' | 'full'): Promise<Described>
}

const tarballsAtATime = 8

export function openPackages(settings: NpmProxySettings, ports: NpmProxyPorts): Packages {
  const described = rememberDescribed(ports.clock)
  const impostors = watchImpostors(settings, ports)
  return {
    settings,
    ports,
    impostors,
    recorded: rememberRecorded(),
    slot: openSlots(tarballsAtATime),
    screen: (record, name, binding) =>
      screen(record, { name, binding, settings, now: ports.clock() }),
    async bind(name, requester) {
      const binding = bindingOf(name, settings)
      if (!('registry' in binding) || binding.isBound) impostors.look(name)
      if ('registry' in binding) return binding
      await ports.refuse({ package: name.full }, requester, [binding])
      throw new SallyportError(binding)
    },
    describe(name, binding, asked) {
      // The short form tells no times.
      const asksAges = settings.minimumAge !== undefined || settings.signatures !== undefined
      const needsTimes = asksAges && !binding.isBound
      const form = needsTimes ? 'full' : asked
      const { http } = ports
      return described.get(`${form} ${name.full}`, () =>
        fetchPackument({ http, binding, name }, form, settings.maxPackumentBytes),
      )
    },
  }
}
