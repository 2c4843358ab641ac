import type { Config } from '#config'
import type { Decision } from '#decision'
import { SallyportError } from '#error'
import { parseReference, type NpmPackage, type Source } from '#evidence'
import { formatPurl, parsePurl } from '#package'
import { npmSettings } from '../serve/npm-settings.ts'
import type { Wanted } from '../serve/gather.ts'

/** Where an artifact lies, as it is recorded; empty where its name says it already. */
export function locationOf(
  { reference, npm }: Pick<Wanted, 'reference' | 'npm'>,
  called: string,
): { readonly downloadLocation?: string } {
  if (npm !== undefined) return { downloadLocation: purlOf(npm) }
  if (reference === undefined || reference === called) return {}
  return { downloadLocation: `oci://${reference}` }
}

function purlOf({ registry, name, version }: NpmPackage): string {
  const [last = '', scope] = name.split('/').toReversed()
  const namespace = scope === undefined ? {} : { namespace: scope }
  const qualifiers = { repository_url: registry }
  return formatPurl({ type: 'npm', ...namespace, name: last, version, qualifiers })
}

/** Where evidence about the artifact of a decision lies by its nature, and registries besides those that may be asked anyhow. */
export interface Location {
  readonly sources: readonly Source[]
  readonly registries: readonly string[]
}

const nowhere: Location = { sources: [], registries: [] }

/** The place in which a decision looked, by what it has recorded. Only places that the configuration allows now are asked. */
export async function locationIn(decision: Decision, config: Config): Promise<Location> {
  const { name, digest, downloadLocation } = decision.request.artifact
  const recorded = downloadLocation ?? (name.startsWith('pkg:npm/') ? name : `oci://${name}`)
  try {
    if (recorded.startsWith('pkg:npm/')) return await inNpm(recorded, config)
    const reference = recorded.slice('oci://'.length)
    const parsed = parseReference(reference)
    // What is called like an image is one when that is what was decided about.
    if (downloadLocation === undefined && parsed.digest !== digest['sha256']) return nowhere
    const source: Source = { kind: 'registry', reference }
    return {
      sources: [source],
      registries: chosenThen(reference, parsed.registry, decision, config),
    }
  } catch (error) {
    if (error instanceof SallyportError && /^(?:EVIDENCE_REFERENCE|PACKAGE_)/.test(error.code))
      return nowhere
    throw error
  }
}

/**
 * Without a list of registries the person at a command line chose one, and it was looked at then: that shows in the record.
 * Whoever asks a server cannot have brought that about.
 */
function chosenThen(
  reference: string,
  registry: string,
  { inputs, request }: Decision,
  { evidence }: Config,
): readonly string[] {
  if (evidence.registries.allow !== undefined || request.artifact.downloadLocation !== undefined)
    return []
  const row = inputs.sources.find(({ name }) => name === reference)
  const wasAsked = row !== undefined && row.detail?.startsWith('not looked at') !== true
  return wasAsked ? [registry] : []
}

async function inNpm(recorded: string, config: Config): Promise<Location> {
  const { namespace, name, version, qualifiers = {} } = parsePurl(recorded)
  if (version === undefined) return nowhere
  const full = namespace === undefined ? name : `${namespace}/${name}`
  const wanted = qualifiers['repository_url'] ?? config.evidence.npmRegistry
  const known = (await registriesOf(config)).find(({ url }) => isSame(url, wanted))
  if (known === undefined) return nowhere
  const { url, authorization } = known
  const more = authorization === undefined ? {} : { authorization }
  return {
    sources: [{ kind: 'npm', registry: url, name: full, version, ...more }],
    registries: [],
  }
}

interface NpmRegistry {
  readonly url: string
  readonly authorization?: string
}

async function registriesOf({ proxies, evidence, file }: Config): Promise<readonly NpmRegistry[]> {
  const own = evidence.npmRegistry === undefined ? [] : [{ url: evidence.npmRegistry }]
  if (proxies.npm === undefined) return own
  const { upstream, scopes, packages } = await npmSettings(proxies.npm, file)
  return [upstream, ...scopes.values(), ...packages.values(), ...own]
}

function isSame(url: string, wanted: string | undefined): boolean {
  const bare = (text: string): string => text.replace(/\/+$/, '')
  return wanted !== undefined && bare(url) === bare(wanted)
}
