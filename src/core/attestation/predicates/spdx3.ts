import { quote } from '#error'
import type { Json, JsonObject } from '#document'
import { readDigestSet, type DigestSet } from '../digest-set.ts'
import {
  compact,
  field,
  optional,
  readList,
  readName,
  readObject,
  readText,
  refuse,
  required,
  tooMuch,
} from '../field.ts'
import { readTime } from '../time.ts'
import { maxComponents, maxRelationships, type Sbom, type SbomComponent } from './sbom-types.ts'
import { groupEdges, spdxAlgorithm } from './spdx2.ts'
import { objectOrNothing, optionalText, purlOrNothing, readItems, readNames } from './text.ts'

interface Relationship {
  readonly from: string
  readonly type: string
  readonly to: readonly string[]
}

/**
 * SPDX 3.0 as JSON-LD: a flat `@graph` of elements that refer to each other by IRI. Names are those of SPDX's own
 * context; a document that brings another context is refused, since it may give them another meaning.
 * https://spdx.github.io/spdx-spec/v3.0.1
 */
export function readSpdx3(document: JsonObject, where: string): Sbom {
  const version = readContext(field(document, '@context'), where)
  const place = `${where}.@graph`
  const elements = readItems(document, '@graph', where, maxRelationships, readObject)
  const graph = new Graph(elements, place)
  const roots = graph.roots()
  const packages = graph.packages()
  if (packages.length > maxComponents) {
    throw tooMuch(place, `at most ${maxComponents} packages`, packages.length)
  }
  return compact<Sbom>({
    format: `spdx-${version}`,
    id: graph.documentId(),
    createdOn: graph.createdOn(),
    described: packages.filter(({ id }) => roots.has(id)),
    components: packages.filter(({ id }) => !roots.has(id)),
    dependencies: groupEdges(graph.edges()),
  })
}

function readContext(value: Json | undefined, where: string): string {
  const context = Array.isArray(value) && value.length === 1 ? (value[0] as Json) : value
  const [, version] =
    typeof context === 'string'
      ? (/^https:\/\/spdx\.(?:org|github\.io)\/(?:rdf\/|spdx-spec\/v?)(3\.0(?:\.\d+)?)\/(?:rdf\/)?spdx-context\.jsonld$/.exec(
          context,
        ) ?? [])
      : []
  if (version !== undefined) return version
  throw refuse(
    'ATTESTATION_PREDICATE_TYPE',
    `${where}.@context`,
    '"https://spdx.org/rdf/3.0.1/spdx-context.jsonld"',
    typeof context === 'string' ? quote(context, 120) : 'something else',
    "Write the document with SPDX's own context alone, of version 3.0",
  )
}

/** The elements of a document, by kind. Each is read once. */
class Graph {
  readonly #elements: readonly { readonly type: string; readonly object: JsonObject }[]
  readonly #where: string
  readonly #relationships: readonly Relationship[]

  constructor(elements: readonly JsonObject[], where: string) {
    this.#where = where
    this.#elements = elements.map((object, index) => ({
      type: optional(object, 'type', `${where}[${index}]`, readText) ?? '',
      object,
    }))
    this.#relationships = this.#ofType(/Relationship$/).map((object) =>
      readRelationship(object, where),
    )
  }

  #ofType(type: RegExp): readonly JsonObject[] {
    return this.#elements.filter((element) => type.test(element.type)).map(({ object }) => object)
  }

  documentId(): string | undefined {
    const [document] = this.#ofType(/^SpdxDocument$/)
    return document === undefined ? undefined : optionalText(document, 'spdxId', this.#where)
  }

  /** When the document was made, as its creation information says. */
  createdOn(): string | undefined {
    const [document] = this.#ofType(/^SpdxDocument$/)
    const infos = this.#ofType(/^CreationInfo$/)
    const reference = document === undefined ? undefined : field(document, 'creationInfo')
    const info =
      objectOrNothing(reference) ??
      infos.find((object) => typeof reference === 'string' && field(object, '@id') === reference) ??
      infos[0]
    return info === undefined ? undefined : optional(info, 'created', this.#where, readTime)
  }

  /** What the document and its SBOMs name as root, and what is said to be described. */
  roots(): ReadonlySet<string> {
    const holders = this.#ofType(/^(?:SpdxDocument|Bundle|Bom|software_Sbom)$/)
    const named = holders.flatMap((object) =>
      readNames(object, 'rootElement', this.#where, maxComponents),
    )
    const described = this.#relationships.filter(({ type }) => type === 'describes')
    return new Set([...named, ...described.flatMap(({ to }) => to)])
  }

  packages(): readonly SbomComponent[] {
    const licenses = this.#licenses()
    return this.#ofType(/^software_(?:Package|File)$/)
      .filter((object) => field(object, 'type') === 'software_Package')
      .map((object) => readPackage(object, licenses, this.#where))
  }

  edges(): readonly (readonly [string, string])[] {
    return this.#relationships
      .filter(
        ({ type }) =>
          type === 'dependsOn' ||
          type === 'contains' ||
          type === 'hasDynamicLink' ||
          type === 'hasStaticLink',
      )
      .flatMap(({ from, to }) => to.map((target) => [from, target] as const))
  }

  /** Expressions by what they were given to; what was concluded comes before what was declared. */
  #licenses(): ReadonlyMap<string, string> {
    const texts = new Map(
      this.#ofType(/^(?:simplelicensing_LicenseExpression|expandedlicensing_)/).flatMap(
        (object) => {
          const id = optionalText(object, 'spdxId', this.#where)
          const text =
            optionalText(object, 'simplelicensing_licenseExpression', this.#where) ??
            optionalText(object, 'name', this.#where)
          return id === undefined || text === undefined ? [] : [[id, text] as const]
        },
      ),
    )
    const given = (type: string) =>
      this.#relationships
        .filter((relationship) => relationship.type === type)
        .flatMap(({ from, to }) => {
          const all = to.map((id) => texts.get(id) ?? wellKnown(id)).filter((text) => text !== '')
          return all.length === 0
            ? []
            : [
                [
                  from,
                  all.length === 1 ? (all[0] ?? '') : all.map((text) => `(${text})`).join(' AND '),
                ] as const,
              ]
        })
    return new Map([...given('hasDeclaredLicense'), ...given('hasConcludedLicense')])
  }
}

/** The individuals that SPDX defines for "no licence" and "nothing said", and licences of its list. */
function wellKnown(iri: string): string {
  if (/NoAssertion(?:License)?$/.test(iri)) return ''
  if (/None(?:License)?$/.test(iri)) return 'NONE'
  return /^https?:\/\/spdx\.org\/licenses\/([A-Za-z0-9.+-]+)$/.exec(iri)?.[1] ?? iri
}

function readRelationship(object: JsonObject, where: string): Relationship {
  return {
    from: required(object, 'from', where, readReference),
    type: required(object, 'relationshipType', where, readName),
    to: readList(
      asList(field(object, 'to')),
      `${where}.to`,
      { max: maxRelationships },
      readReference,
    ),
  }
}

/** JSON-LD writes a single value without brackets. */
function asList(value: Json | undefined): Json {
  if (value === undefined) return []
  return Array.isArray(value) ? value : [value]
}

function readReference(value: Json | undefined, where: string): string {
  const object = objectOrNothing(value)
  return readName(object === undefined ? value : field(object, 'spdxId'), where)
}

function readPackage(
  object: JsonObject,
  licenses: ReadonlyMap<string, string>,
  where: string,
): SbomComponent {
  const id = required(object, 'spdxId', where, readName)
  return compact<SbomComponent>({
    id,
    name: required(object, 'name', where, readName),
    version: optionalText(object, 'software_packageVersion', where),
    purl: purlOrNothing(field(object, 'software_packageUrl')) ?? identifierOf(object, where),
    digests: readHashes(object, where),
    license: licenses.get(id),
  })
}

function identifierOf(object: JsonObject, where: string): string | undefined {
  const purls = readItems(object, 'externalIdentifier', where, 10_000, (value, place) => {
    const identifier = readObject(value, place)
    const type = optional(identifier, 'externalIdentifierType', place, readText) ?? ''
    return /^packageUrl$/i.test(type) ? purlOrNothing(field(identifier, 'identifier')) : undefined
  })
  return purls.find((purl) => purl !== undefined)
}

function readHashes(object: JsonObject, where: string): DigestSet {
  const pairs = readItems(object, 'verifiedUsing', where, 100, (value, place) => {
    const hash = readObject(value, place)
    const algorithm = optional(hash, 'algorithm', place, readText)
    const digest = optional(hash, 'hashValue', place, readText)
    return algorithm === undefined || digest === undefined
      ? []
      : [[spdxAlgorithm(algorithm), digest.toLowerCase()] as const]
  })
  return readDigestSet(Object.fromEntries(pairs.flat()), `${where}.verifiedUsing`)
}
