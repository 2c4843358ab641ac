import { quote } from '#error'
import type { Json, JsonObject } from '#document'
import { readDigestSet, type DigestSet } from '../digest-set.ts'
import {
  compact,
  field,
  optional,
  readName,
  readObject,
  readText,
  refuse,
  required,
} from '../field.ts'
import { readTime } from '../time.ts'
import {
  maxComponents,
  maxRelationships,
  type Sbom,
  type SbomComponent,
  type SbomDependency,
} from './sbom-types.ts'
import { distinct, optionalText, purlOrNothing, readItems, readNames } from './text.ts'

const versions = ['SPDX-2.2', 'SPDX-2.3']
const documentId = 'SPDXRef-DOCUMENT'

interface Relationship {
  readonly from: string
  readonly type: string
  readonly to: string
}

/** SPDX 2.2 and 2.3 in JSON.                                        https://spdx.github.io/spdx-spec/v2.3 */
export function readSpdx2(document: JsonObject, where: string): Sbom {
  const version = required(document, 'spdxVersion', where, readText)
  if (!versions.includes(version)) throw unknownVersion(version, where)
  const creation = required(document, 'creationInfo', where, readObject)
  required(document, 'dataLicense', where, readName)
  const packages = readItems(document, 'packages', where, maxComponents, readPackage)
  const relationships = readItems(
    document,
    'relationships',
    where,
    maxRelationships,
    readRelationship,
  )
  const described = describedBy(document, relationships, where)
  return compact<Sbom>({
    format: version.toLowerCase(),
    id: optionalText(document, 'documentNamespace', where),
    createdOn: required(creation, 'created', `${where}.creationInfo`, readTime),
    described: packages.filter(({ id }) => described.has(id)),
    components: packages.filter(({ id }) => !described.has(id)),
    dependencies: dependenciesOf(relationships),
  })
}

function unknownVersion(version: string, where: string): Error {
  return refuse(
    'ATTESTATION_PREDICATE_TYPE',
    `${where}.spdxVersion`,
    `one of ${versions.join(', ')}, or SPDX 3 as JSON-LD`,
    quote(version, 40),
    'Write the document in SPDX 2.3, or read it with a version of Sallyport that knows it',
  )
}

function readPackage(value: Json | undefined, where: string): SbomComponent {
  const object = readObject(value, where)
  const purls = readItems(object, 'externalRefs', where, 10_000, (item, place) => {
    const reference = readObject(item, place)
    const type = optional(reference, 'referenceType', place, readText)
    return type === 'purl' ? purlOrNothing(field(reference, 'referenceLocator')) : undefined
  })
  return compact<SbomComponent>({
    id: required(object, 'SPDXID', where, readName),
    name: required(object, 'name', where, readName),
    version: optionalText(object, 'versionInfo', where),
    purl: purls.find((purl) => purl !== undefined),
    digests: readChecksums(object, where),
    license: stated(object, 'licenseConcluded', where) ?? stated(object, 'licenseDeclared', where),
  })
}

function stated(object: JsonObject, key: string, where: string): string | undefined {
  const license = optionalText(object, key, where)
  return license === 'NOASSERTION' ? undefined : license
}

/** SPDX writes SHA256, SHA3-256 and BLAKE2b-512. */
function readChecksums(object: JsonObject, where: string): DigestSet {
  const pairs = readItems(object, 'checksums', where, 100, (value, place) => {
    const checksum = readObject(value, place)
    const algorithm = required(checksum, 'algorithm', place, readName)
    const hash = required(checksum, 'checksumValue', place, readText)
    return [spdxAlgorithm(algorithm), hash.toLowerCase()] as const
  })
  return readDigestSet(Object.fromEntries(pairs), `${where}.checksums`)
}

/** The name that in-toto gives an algorithm of SPDX, of version 2 or 3. */
export function spdxAlgorithm(name: string): string {
  const plain = name.toLowerCase().replaceAll('-', '_')
  return plain === 'blake2b_512' ? 'blake2b' : plain
}

function readRelationship(value: Json | undefined, where: string): Relationship {
  const object = readObject(value, where)
  return {
    from: required(object, 'spdxElementId', where, readName),
    type: required(object, 'relationshipType', where, readName),
    to: required(object, 'relatedSpdxElement', where, readName),
  }
}

function describedBy(
  document: JsonObject,
  relationships: readonly Relationship[],
  where: string,
): ReadonlySet<string> {
  return new Set([
    ...readNames(document, 'documentDescribes', where, maxComponents),
    ...relationships.flatMap(({ from, type, to }) => {
      if (type === 'DESCRIBES' && from === documentId) return [to]
      return type === 'DESCRIBED_BY' && to === documentId ? [from] : []
    }),
  ])
}

function dependenciesOf(relationships: readonly Relationship[]): readonly SbomDependency[] {
  return groupEdges(
    relationships.flatMap(({ from, type, to }) => {
      if (type === 'DEPENDS_ON' || type === 'CONTAINS') return [[from, to] as const]
      // OPTIONAL_DEPENDENCY_OF, RUNTIME_DEPENDENCY_OF and the like.
      return /(?:^|_)DEPENDENCY_OF$/.test(type) || type === 'CONTAINED_BY'
        ? [[to, from] as const]
        : []
    }),
  )
}

/** Edges by where they begin. */
export function groupEdges(
  edges: readonly (readonly [string, string])[],
): readonly SbomDependency[] {
  const groups = Map.groupBy(edges, ([from]) => from)
  return [...groups].map(([from, group]) => ({ from, to: distinct(group.map(([, to]) => to)) }))
}
