import { setImmediate as othersFirst } from 'node:timers/promises'
import { SallyportError, type Problem } from '#error'
import { bindingOf, type Binding } from './binding.ts'
import { beyond, openBudget, type Budget } from './budget.ts'
import { joinRunning, rememberDescribed, rememberRecorded, type Recorded } from './described.ts'
import { watchImpostors, type ImpostorWatch } from './impostors.ts'
import type { PackageName } from './name.ts'
import type { NpmProxyPorts } from './ports.ts'
import { screen } from './screen.ts'
import type { NpmProxySettings } from './settings.ts'
import { openSlots } from './slots.ts'
import {
  describedIn,
  fetchPackument,
  type Asking,
  type Described,
  type Fetched,
  type Form,
} from './upstream.ts'
import type { VersionRecord } from './packument.ts'

/** What the routes of the proxy share. */
export interface Packages {
  readonly settings: NpmProxySettings
  readonly ports: NpmProxyPorts
  readonly impostors: ImpostorWatch
  readonly recorded: Recorded
  /** Of tarballs only so many bytes are in memory at a time. */
  readonly tarballs: Budget
  /** Why a version is refused by what its registry says of it. */
  screen(record: VersionRecord, name: PackageName, binding: Binding): readonly Problem[]
  /** The registry of a name. Resolves after it was recorded that there is none. */
  bind(name: PackageName, requester: string): Promise<Binding>
  /**
   * Does something with what the registry says of a package. Of large packuments only so many bytes are in memory at a time,
   * and with few something is done, each in a turn of its own: what `deed` gives back MUST NOT hold one.
   */
  describe<T>(
    name: PackageName,
    binding: Binding,
    form: 'abbreviated' | 'full',
    deed: (described: Described) => T | Promise<T>,
  ): Promise<T>
}

/** Read, such a one takes several times as much memory. */
const largeAtATime = 2
/** Hardly any short packument is larger. */
const smallBytes = 1_000_000

export function openPackages(settings: NpmProxySettings, ports: NpmProxyPorts): Packages {
  const impostors = watchImpostors(settings, ports)
  const describe = openDescribing(settings, ports)
  return {
    settings,
    ports,
    impostors,
    recorded: rememberRecorded(),
    // With the one that always has room, never more than two of the largest.
    tarballs: openBudget(settings.maxTarballBytes),
    screen: (record, name, binding) =>
      screen(record, { name, binding, settings, now: ports.clock() }),
    async bind(name, requester) {
      const binding = bindingOf(name, settings)
      if (!('registry' in binding) || binding.isBound) impostors.look(name)
      if ('registry' in binding) return binding
      await ports.refuse({ package: name.full }, requester, [binding])
      throw new SallyportError(binding)
    },
    async describe(name, binding, asked, deed) {
      // The short form tells no times.
      const asksAges = settings.minimumAge !== undefined || settings.signatures !== undefined
      const needsTimes = asksAges && !binding.isBound
      return describe({ http: ports.http, binding, name }, needsTimes ? 'full' : asked, deed)
    },
  }
}

type Describe = <T>(
  asking: Asking,
  form: Form,
  deed: (described: Described) => T | Promise<T>,
) => Promise<T>

/** A slow registry keeps nobody waiting: what is bounded is what has come, and turns are taken only for what is here whole. */
function openDescribing(settings: NpmProxySettings, { clock }: NpmProxyPorts): Describe {
  const { maxPackumentBytes: maxBytes, upstreamMs: ms } = settings
  const described = rememberDescribed(clock)
  // With the one that always has room, never more than two of the largest, and what is small.
  const budget = openBudget(maxBytes)
  const lane = openSlots(largeAtATime)
  const inLane = <T>(bytes: number, deed: () => Promise<T>): Promise<T> =>
    bytes <= smallBytes ? deed() : lane(async () => (await othersFirst(), deed()))
  const join = joinRunning<Fetched>()
  const parse = (key: string, fetched: Fetched, { name }: Asking): Described => {
    const parsed = describedIn(fetched, name)
    described.keep(key, parsed)
    return parsed
  }
  return async (asking, form, deed) => {
    const key = `${form} ${asking.name.full}`
    const known = described.known(key)
    if (known !== undefined) return inLane(known.bytes, async () => deed(known))
    return budget.share(async (take) => {
      const bounds = { maxBytes, ms, take: beyond(smallBytes, take) }
      const fetched = await join(key, () => fetchPackument(asking, form, bounds))
      return inLane(fetched.body.length, async () =>
        deed(described.known(key) ?? parse(key, fetched, asking)),
      )
    })
  }
}
