import type { Json, JsonObject } from '#document'
import type { DigestSet } from '../digest-set.ts'
import { compact, field, optional, readName, readObject, readText, required } from '../field.ts'
import { readTime } from '../time.ts'
import { oneOf } from './cyclonedx-checks.ts'
import type { Sbom, SbomComponent } from './sbom-types.ts'
import { distinct, optionalText, purlOrNothing, readItems } from './text.ts'
import {
  maxVexProducts,
  maxVexStatements,
  type Vex,
  type VexComponent,
  type VexProduct,
  type VexStatement,
  type VexStatus,
  type VexVersions,
} from './vex-types.ts'

/** `analysis.state`, in the words of VEX. */
const states: Readonly<Record<string, VexStatus>> = {
  resolved: 'fixed',
  resolved_with_pedigree: 'fixed',
  exploitable: 'affected',
  in_triage: 'under_investigation',
  false_positive: 'not_affected',
  not_affected: 'not_affected',
}

/**
 * The vulnerabilities of a CycloneDX document that somebody has judged. Those without an analysis are what a
 * scanner found: nobody has said anything about them.
 * https://cyclonedx.org/capabilities/vex
 */
export function readCycloneDxVex(
  bom: JsonObject,
  sbom: Sbom,
  subjects: readonly DigestSet[],
  where: string,
): Vex {
  const resolve = resolverOf(bom, sbom)
  const judged = readItems(bom, 'vulnerabilities', where, maxVexStatements, (value, place) =>
    readVulnerability(value, place, resolve, sbom.createdOn),
  )
  return compact<Vex>({
    format: 'cyclonedx',
    timestamp: sbom.createdOn,
    subjects,
    statements: judged.filter((statement) => statement !== undefined),
  })
}

type Resolve = (ref: string, versions: readonly VexVersions[]) => readonly VexProduct[]

function readVulnerability(
  value: Json | undefined,
  where: string,
  resolve: Resolve,
  documentTime: string | undefined,
): VexStatement | undefined {
  const object = readObject(value, where)
  const analysis = optional(object, 'analysis', where, readObject)
  const state =
    analysis === undefined ? undefined : optionalText(analysis, 'state', `${where}.analysis`)
  const id = optionalText(object, 'id', where)
  if (analysis === undefined || state === undefined || id === undefined) return undefined
  const place = `${where}.analysis`
  oneOf(state, Object.keys(states), `${place}.state`)
  return compact<VexStatement>({
    vulnerability: id,
    aliases: distinct(
      readItems(object, 'references', where, 1_000, (item, at) =>
        optionalText(readObject(item, at), 'id', at),
      ),
    ),
    products: readProducts(object, where, resolve),
    status: states[state] ?? 'affected',
    justification: optionalText(analysis, 'justification', place),
    impact: optionalText(analysis, 'detail', place),
    action: optionalText(object, 'recommendation', where),
    timestamp:
      optional(analysis, 'lastUpdated', place, readTime) ??
      optional(analysis, 'firstIssued', place, readTime) ??
      documentTime,
  })
}

/** Without products, the statement is about what it was signed for. */
function readProducts(object: JsonObject, where: string, resolve: Resolve): readonly VexProduct[] {
  const products = readItems(object, 'affects', where, maxVexProducts, (item, at) =>
    readAffected(item, at, resolve),
  ).flat()
  if (products.length > 0) return products
  return [{ ...nothing, isSubject: true, subcomponents: [], versions: [] }]
}

function readAffected(
  value: Json | undefined,
  where: string,
  resolve: Resolve,
): readonly VexProduct[] {
  const object = readObject(value, where)
  const versions = readItems(object, 'versions', where, maxVexProducts, readVersions)
  return resolve(required(object, 'ref', where, readName), versions)
}

function readVersions(value: Json | undefined, where: string): VexVersions {
  const object = readObject(value, where)
  const status = optional(object, 'status', where, readText)
  if (status !== undefined) oneOf(status, ['affected', 'unaffected', 'unknown'], `${where}.status`)
  return compact<VexVersions>({
    version: optionalText(object, 'version', where),
    range: optionalText(object, 'range', where),
    status: status as VexVersions['status'],
  })
}

/**
 * What a reference means: the component that is described, and so what was signed for; a part of it; or something
 * in another document, known by its link only (`urn:cdx:SERIAL/VERSION#REF`).
 */
function resolverOf(bom: JsonObject, sbom: Sbom): Resolve {
  const serial = sbom.id?.replace(/^urn:uuid:/, '')
  const number = field(bom, 'version')
  const prefix =
    serial === undefined
      ? undefined
      : `urn:cdx:${serial}/${typeof number === 'number' ? number : 1}#`
  const described = new Map(sbom.described.map((component) => [component.id, component]))
  const inside = new Map(sbom.components.map((component) => [component.id, component]))
  return (reference, versions) => {
    const isOwn = prefix !== undefined && reference.startsWith(prefix)
    const ref = isOwn ? reference.slice(prefix.length) : reference
    // A reference within the document is a name only together with the document's.
    const isLocal = described.has(ref) || inside.has(ref)
    const link = prefix === undefined ? undefined : `${prefix}${ref}`
    const ids = distinct([isLocal ? link : reference])
    const root = described.get(ref)
    if (root !== undefined) {
      return [{ ...identityOf(root, ids), isSubject: true, subcomponents: [], versions }]
    }
    const part = inside.get(ref)
    if (part === undefined) {
      const purls = distinct([purlIn(ref)])
      return [{ purls, digests: {}, ids, isSubject: false, subcomponents: [], versions }]
    }
    const identity = identityOf(part, ids)
    const itself = { ...identity, isSubject: false, subcomponents: [], versions }
    // Versions are those of the part: as a part of what was signed for, it has the one that it states.
    if (versions.length > 0) return [itself]
    return [itself, { ...nothing, isSubject: true, subcomponents: [identity], versions: [] }]
  }
}

const nothing: VexComponent = { purls: [], digests: {}, ids: [] }

/** Most tools name the elements of a document by their package URLs. */
function purlIn(ref: string): string | undefined {
  return purlOrNothing(ref) ?? purlOrNothing(ref.slice(ref.indexOf('#') + 1))
}

function identityOf(component: SbomComponent, ids: readonly string[]): VexComponent {
  const { name, version, purl, digests } = component
  return compact<VexComponent>({
    purls: purl === undefined ? [] : [purl],
    digests,
    ids,
    name,
    version,
  })
}
