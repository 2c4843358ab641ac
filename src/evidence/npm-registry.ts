import type { Evidence } from '#decision'
import { encodeCanonical, parseJson } from '#document'
import { quote } from '#error'
import { z } from 'zod'
import { evidenceAt, lookSafely, nothingAt, placeOf, type SourceOptions } from './source-options.ts'
import { unavailable } from './unavailable.ts'

/** One version of a package, in the registry that the caller chose. */
export interface NpmPackage {
  /** The registry's address, as in npm's configuration. */
  readonly registry: string
  /** `name` or `@scope/name`. */
  readonly name: string
  readonly version: string
  /** Sent to that registry only, and never told. */
  readonly authorization?: string
}

const maxBytes = 16 * 1024 * 1024
const maxAttestations = 256
const packageName = /^(?:@[a-z0-9~_-][a-z0-9._~-]{0,213}\/)?[a-z0-9~_-][a-z0-9._~-]{0,213}$/i
const packageVersion = /^[0-9A-Za-z][0-9A-Za-z.+-]{0,255}$/
const schema = z.object({
  attestations: z.array(z.object({ bundle: z.record(z.string(), z.json()) })),
})

/**
 * Asks an npm registry for the attestations of a package version: `/-/npm/v1/attestations/NAME@VERSION`. The bundles are
 * taken as canonical JSON, so that they have one digest however the registry writes them.
 */
export async function findInNpmRegistry(
  { registry, name, version, authorization }: NpmPackage,
  { http, signal }: SourceOptions,
): Promise<Evidence> {
  const place = `${placeOf(registry)} ${quote(`${name}@${version}`, 200)} attestations`
  return lookSafely(place, async () => {
    if (!packageName.test(name) || !packageVersion.test(version)) {
      return nothingAt(place, 'absent', 'expected the name and version of an npm package')
    }
    const base = registry.endsWith('/') ? registry : `${registry}/`
    const path = `-/npm/v1/attestations/${name.replace('/', '%2f')}@${encodeURIComponent(version)}`
    const answer = await http.send(new URL(path, base), {
      what: 'attestations',
      accept: 'application/json',
      maxBytes,
      ...(authorization === undefined ? {} : { authorization }),
      ...(signal === undefined ? {} : { signal }),
    })
    const { host } = answer.url
    if (answer.status === 404 || answer.status === 410) return nothingAt(place, 'absent')
    if (answer.status !== 200) throw unavailable(host, 'attestations', `status ${answer.status}`)
    const bundles = read(answer.body, host)
    if (bundles.length > maxAttestations) {
      throw unavailable(host, `at most ${maxAttestations} attestations`, `${bundles.length}`)
    }
    return evidenceAt(place, bundles.map(encodeCanonical))
  })
}

function read(body: Uint8Array, host: string) {
  try {
    const { attestations } = schema.parse(parseJson(body, { what: 'attestations' }))
    return attestations.map(({ bundle }) => bundle)
  } catch (cause) {
    throw unavailable(host, '{"attestations": [{"bundle": …}]}', 'something else', cause)
  }
}
