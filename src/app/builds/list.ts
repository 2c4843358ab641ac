import type { Config } from '#config'
import {
  buildForm,
  type BuildBegun,
  type BuildDefined,
  type BuildEnded,
  type BuildEntry,
  type LogView,
} from '#log'
import { readLog } from '../log.ts'

type Placed<Entry> = Entry & { readonly index: number }

/** One build as the log tells it. Without an end it runs, or something has killed it. */
export interface LoggedBuild {
  readonly build: string
  readonly begun?: Placed<BuildBegun>
  readonly defined?: Placed<BuildDefined>
  readonly ended?: Placed<BuildEnded>
}

const step = 1024

/** The newest builds, oldest of them first. */
export async function logBuilds(
  config: Config,
  { limit }: { readonly limit: number },
): Promise<readonly LoggedBuild[]> {
  return await readLog(config, async (view) => await newestBuilds(view, limit))
}

/** All that a log tells of its newest builds: what a build leaves comes after its beginning, so it is read from the end. */
export async function newestBuilds(view: LogView, limit: number): Promise<readonly LoggedBuild[]> {
  const builds = new Map<string, Mutable>()
  let begun = 0
  for (let end = view.size; end > 0 && begun < limit; end -= step) {
    const found: Placed<BuildEntry>[] = []
    const start = Math.max(0, end - step)
    for await (const { index, entry } of view.entries(start, end, ['"kind":"Build'])) {
      const build = buildForm.parse(entry)
      if (build !== undefined) found.push({ ...build, index })
    }
    for (const entry of found.toReversed()) if (take(builds, entry) && ++begun === limit) break
  }
  const complete = [...builds.values()].filter((one) => one.begun !== undefined)
  return complete.sort((one, other) => (one.begun?.index ?? 0) - (other.begun?.index ?? 0))
}

type Mutable = { -readonly [Name in keyof LoggedBuild]: LoggedBuild[Name] }

/** Whether this is where a build begins. The first of a kind counts: nothing that is appended later changes what was said. */
function take(builds: Map<string, Mutable>, entry: Placed<BuildEntry>): boolean {
  const one = builds.get(entry.build) ?? { build: entry.build }
  builds.set(entry.build, one)
  if (entry.kind === 'BuildDefined') one.defined = entry
  else if (entry.kind === 'BuildEnded') one.ended = entry
  else one.begun = entry
  return entry.kind === 'BuildBegun'
}
