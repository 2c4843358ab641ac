import type { Config } from '#config'
import { parseReference } from '#evidence'
import { parsePurl } from '#package'
import { readLog } from '../log.ts'
import { readEntry } from '../read-entry.ts'

export interface Image {
  readonly kind: 'oci'
  /** The registry as images name it. */
  readonly registry: string
  readonly repository: string
  /** A tag, or `sha256:…`. */
  readonly reference: string
}

export interface Package {
  readonly kind: 'npm'
  /** `name` or `@scope/name`. */
  readonly name: string
  /** The address of its registry, where its name does not say it. */
  readonly registry?: string
}

/** Something in a registry behind a proxy. */
export type Artifact = Image | Package

/** Entries that are read at a time, and at most: what was let through long ago may not be there any more. */
const chunk = 256
const maxEntries = 10_000

/**
 * What the proxies have let through, the newest first, as far as the newest part of the log tells. Whoever takes no more has
 * seen enough.
 *
 * @throws SallyportError LOG_…, RECORD_…
 */
export async function eachPulled(
  config: Config,
  take: (artifact: Artifact) => boolean,
): Promise<void> {
  await readLog(config, async (view, bodies) => {
    const start = Math.max(0, view.size - maxEntries)
    for (let end = view.size; end > start; end -= chunk) {
      const found: Artifact[] = []
      for await (const { index, entry } of view.entries(Math.max(start, end - chunk), end)) {
        const said = await readEntry(entry, index, bodies)
        if (said.kind !== 'Decision' || said.effect === 'blocked') continue
        const artifact = pulledIn(said.request.chokePoint, said.request.artifact.name)
        if (artifact !== undefined) found.push(artifact)
      }
      for (const artifact of found.toReversed()) if (!take(artifact)) return
    }
  })
}

function pulledIn(chokePoint: string, name: string): Artifact | undefined {
  if (chokePoint === 'npm-proxy') return packageOf(name)
  return chokePoint === 'oci-proxy' ? imageOf(name) : undefined
}

/** @throws SallyportError EVIDENCE_REFERENCE */
export function imageOf(name: string): Image {
  const { registry, repository, tag, digest } = parseReference(name)
  const reference = digest === undefined ? (tag ?? '') : `sha256:${digest}`
  return { kind: 'oci', registry, repository, reference }
}

/** @throws SallyportError PACKAGE_URL */
export function packageOf(purl: string): Package {
  const { namespace, name, qualifiers = {} } = parsePurl(purl)
  const registry = qualifiers['repository_url']
  return {
    kind: 'npm',
    name: namespace === undefined ? name : `${namespace}/${name}`,
    ...(registry === undefined ? {} : { registry }),
  }
}
