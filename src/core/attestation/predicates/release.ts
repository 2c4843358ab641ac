import { formatPurl, parsePurl } from '#package'
import type { JsonObject } from '#document'
import { compact, optional, readName, readText, required, wrongField } from '../field.ts'
import { optionalText } from './text.ts'

/** A registry says which release the subjects are. */
export interface Release {
  readonly format: 'in-toto-release' | 'npm-publish' | 'pypi-publish'
  /** In canonical form, with its version. Missing in PyPI's, where the name of the file says it. */
  readonly purl?: string
  /** Stays the same when the package is renamed. */
  readonly packageId?: string
  /** Where npm accepted the package. */
  readonly registry?: string
}

/** in-toto's release v0.1 and v0.2. https://github.com/in-toto/attestation/blob/main/spec/predicates/release.md */
export function readRelease(predicate: JsonObject, where: string): Release {
  const text = required(predicate, 'purl', where, readName)
  const purl = releasePurl(text, `${where}.purl`)
  return compact<Release>({
    format: 'in-toto-release',
    purl,
    // v0.1 called it releaseId.
    packageId:
      optional(predicate, 'packageId', where, readText) ??
      optional(predicate, 'releaseId', where, readText),
  })
}

/** "It MUST include a purl version." */
function releasePurl(text: string, where: string): string {
  const purl = parsePurl(text)
  if (purl.version === undefined) throw wrongField(where, 'a purl with a version', text)
  return formatPurl(purl)
}

/** npm's publish v0.1: name and version as the registry knows them. */
export function readNpmPublish(predicate: JsonObject, where: string): Release {
  const name = required(predicate, 'name', where, readName)
  const version = required(predicate, 'version', where, readName)
  const path = name.split('/').map(encodeURIComponent).join('/')
  return compact<Release>({
    format: 'npm-publish',
    purl: formatPurl(parsePurl(`pkg:npm/${path}@${encodeURIComponent(version)}`)),
    registry: optionalText(predicate, 'registry', where),
  })
}

/** PyPI's publish v1 says nothing beyond its subject.  https://docs.pypi.org/attestations/publish/v1 */
export function readPypiPublish(): Release {
  return { format: 'pypi-publish' }
}
