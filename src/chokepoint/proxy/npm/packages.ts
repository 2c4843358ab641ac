import { SallyportError, type Problem } from '#error'
import { bindingOf, type Binding } from './binding.ts'
import { openBudget } from './budget.ts'
import {
  joinRunning,
  rememberDescribed,
  rememberRecorded,
  type DescribedPackages,
  type Recorded,
} from './described.ts'
import { watchImpostors, type ImpostorWatch } from './impostors.ts'
import type { PackageName } from './name.ts'
import type { NpmProxyPorts } from './ports.ts'
import { screen } from './screen.ts'
import type { NpmProxySettings } from './settings.ts'
import { openSlots } from './slots.ts'
import {
  describedIn,
  fetchPackument,
  fetchSmallPackument,
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
  /** So many tarballs are in memory at a time. */
  readonly slot: <T>(deed: () => Promise<T>) => Promise<T>
  /** Why a version is refused by what its registry says of it. */
  screen(record: VersionRecord, name: PackageName, binding: Binding): readonly Problem[]
  /** The registry of a name. Resolves after it was recorded that there is none. */
  bind(name: PackageName, requester: string): Promise<Binding>
  /**
   * Does something with what the registry says of a package. Of large packuments only so many bytes are in memory at a time,
   * and few are read: what `deed` gives back MUST NOT hold one.
   */
  describe<T>(
    name: PackageName,
    binding: Binding,
    form: 'abbreviated' | 'full',
    deed: (described: Described) => T | Promise<T>,
  ): Promise<T>
}

const tarballsAtATime = 8
/** Read, such a one takes several times as much memory. */
const largeAtATime = 2
/** Hardly any short packument is larger. */
const smallBytes = 1_000_000
const maxLarge = 10_000

export function openPackages(settings: NpmProxySettings, ports: NpmProxyPorts): Packages {
  const described = rememberDescribed(ports.clock)
  const impostors = watchImpostors(settings, ports)
  const large = new Set<string>()
  const describeLarge = openLarge(described, settings)
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
    async describe(name, binding, asked, deed) {
      // The short form tells no times.
      const asksAges = settings.minimumAge !== undefined || settings.signatures !== undefined
      const needsTimes = asksAges && !binding.isBound
      const form = needsTimes ? 'full' : asked
      const asking = { http: ports.http, binding, name }
      const { maxPackumentBytes: maxBytes, upstreamMs: ms } = settings
      const key = `${form} ${name.full}`
      if (!large.has(key)) {
        const bounds = { most: smallBytes, maxBytes, ms }
        const found = await described.get(key, () => fetchSmallPackument(asking, form, bounds))
        if (found !== 'large') return deed(found)
        if (large.size >= maxLarge) large.clear()
        large.add(key)
      }
      return describeLarge(`large ${key}`, asking, form, deed)
    },
  }
}

type DescribeLarge = <T>(
  key: string,
  asking: Asking,
  form: Form,
  deed: (described: Described) => T | Promise<T>,
) => Promise<T>

/** A slow registry keeps nobody waiting: what is bounded is what has come, and turns are taken only for what is here whole. */
function openLarge(
  described: DescribedPackages,
  { maxPackumentBytes: maxBytes, upstreamMs: ms }: NpmProxySettings,
): DescribeLarge {
  // With the one that always has room, never more than two of the largest.
  const budget = openBudget(maxBytes)
  const inLane = openSlots(largeAtATime)
  const join = joinRunning<Fetched>()
  const parse = (key: string, fetched: Fetched, { name }: Asking): Described => {
    const parsed = describedIn(fetched, name)
    described.keep(key, parsed)
    return parsed
  }
  return async (key, asking, form, deed) => {
    const known = described.known(key)
    if (known !== undefined) return await deed(known)
    return budget.share(async (take) => {
      const fetched = await join(key, () => fetchPackument(asking, form, { maxBytes, ms, take }))
      return inLane(async () => deed(described.known(key) ?? parse(key, fetched, asking)))
    })
  }
}
