import { isObject, parseJson, type JsonObject } from '#document'
import { readApproval, type Approval } from '../approval.ts'
import type { DigestSet } from '../digest-set.ts'
import { field, readText, required } from '../field.ts'
import { readProvenance } from '../provenance.ts'
import type { Provenance } from '../provenance-types.ts'
import type { Statement } from '../statement.ts'
import { readBreakglass, type Breakglass } from './breakglass.ts'
import { readSpdx } from './documents.ts'
import { readCycloneDx } from './cyclonedx.ts'
import { cycloneDxVersionOf } from './cyclonedx-checks.ts'
import { familyOf, formatOf, type PredicateKind } from './kinds.ts'
import { readLink, type Link } from './link.ts'
import { readOpenVex } from './openvex.ts'
import { readOsvResults } from './osv.ts'
import { readNpmPublish, readPypiPublish, readRelease, type Release } from './release.ts'
import { readReview, type Review } from './review.ts'
import type { Sbom } from './sbom-types.ts'
import { readReference, readScai, type Reference, type Scai } from './scai.ts'
import type { Scan } from './scan-types.ts'
import { readCosignVuln, readVulns } from './scan.ts'
import {
  readSourceProvenance,
  readTagProvenance,
  type SourceProvenance,
} from './source-provenance.ts'
import { readSvr, type Svr } from './svr.ts'
import { readTestResult, type TestResult } from './test-result.ts'
import type { Vex } from './vex-types.ts'
import { readVsa, readVsa02, type Vsa } from './vsa.ts'

/**
 * What a statement says, as facts. All of it is the signer's claim.
 *
 * `unknown` is kept so that it can be shown, and counts for nothing. Its `family` tells that the format is known,
 * but not this version of it.
 */
export type Predicate =
  | { readonly kind: 'provenance'; readonly provenance: Provenance }
  | { readonly kind: 'vsa'; readonly vsa: Vsa }
  | { readonly kind: 'svr'; readonly svr: Svr }
  | { readonly kind: 'test-result'; readonly testResult: TestResult }
  | { readonly kind: 'scan'; readonly scan: Scan }
  | { readonly kind: 'vex'; readonly vex: Vex }
  /** CycloneDX may be both; `vex` then has statements. */
  | { readonly kind: 'sbom'; readonly sbom: Sbom; readonly vex?: Vex }
  | { readonly kind: 'source-provenance'; readonly sourceProvenance: SourceProvenance }
  | { readonly kind: 'release'; readonly release: Release }
  | { readonly kind: 'link'; readonly link: Link }
  | { readonly kind: 'scai'; readonly scai: Scai }
  | { readonly kind: 'reference'; readonly reference: Reference }
  | { readonly kind: 'review'; readonly review: Review }
  | { readonly kind: 'approval'; readonly approval: Approval }
  | { readonly kind: 'breakglass'; readonly breakglass: Breakglass }
  /** cosign's signature of an image: that the signer signed it, perhaps under which name, and no more. */
  | { readonly kind: 'signature'; readonly reference?: string }
  | { readonly kind: 'unknown'; readonly predicateType: string; readonly family?: PredicateKind }

type Reader = (predicate: JsonObject, statement: Statement, where: string) => Predicate

const readers: Readonly<Record<string, Reader>> = {
  slsa: (_, statement) => ({ kind: 'provenance', provenance: readProvenance(statement) }),
  jwt: (_, statement) => ({ kind: 'provenance', provenance: readProvenance(statement) }),
  'vsa-v1': (predicate, _, where) => ({ kind: 'vsa', vsa: readVsa(predicate, where) }),
  'vsa-v0.2': (predicate, _, where) => ({ kind: 'vsa', vsa: readVsa02(predicate, where) }),
  'svr-v0.1': (predicate, _, where) => ({ kind: 'svr', svr: readSvr(predicate, 'v0.1', where) }),
  'svr-v0.2': (predicate, _, where) => ({ kind: 'svr', svr: readSvr(predicate, 'v0.2', where) }),
  'test-result': (predicate, _, where) => ({
    kind: 'test-result',
    testResult: readTestResult(predicate, where),
  }),
  vulns: (predicate, _, where) => ({ kind: 'scan', scan: readVulns(predicate, where) }),
  'cosign-vuln': (predicate, _, where) => ({
    kind: 'scan',
    scan: readCosignVuln(predicate, where),
  }),
  osv: (predicate, _, where) => ({ kind: 'scan', scan: readOsvResults(predicate, where) }),
  openvex: (predicate, statement, where) => ({
    kind: 'vex',
    vex: readOpenVex(predicate, digestsOf(statement), where),
  }),
  cyclonedx: readCycloneDxPredicate,
  spdx: readSpdxPredicate,
  source: (predicate, _, where) => ({
    kind: 'source-provenance',
    sourceProvenance: readSourceProvenance(predicate, where),
  }),
  tag: (predicate, _, where) => ({
    kind: 'source-provenance',
    sourceProvenance: readTagProvenance(predicate, where),
  }),
  release: (predicate, _, where) => ({ kind: 'release', release: readRelease(predicate, where) }),
  npm: (predicate, _, where) => ({ kind: 'release', release: readNpmPublish(predicate, where) }),
  pypi: () => ({ kind: 'release', release: readPypiPublish() }),
  link: (predicate, _, where) => ({ kind: 'link', link: readLink(predicate, where) }),
  scai: (predicate, _, where) => ({ kind: 'scai', scai: readScai(predicate, where) }),
  reference: (predicate, _, where) => ({
    kind: 'reference',
    reference: readReference(predicate, where),
  }),
  review: (_, statement) => ({ kind: 'review', review: readReview(statement) }),
  approval: (_, statement) => ({ kind: 'approval', approval: readApproval(statement) }),
  'cosign-sign': () => ({ kind: 'signature' }),
  'simple-signing': (predicate, _, where) => {
    const reference = required(predicate, 'dockerReference', where, readText)
    return { kind: 'signature', ...(reference === '' ? {} : { reference }) }
  },
  breakglass: (_, statement) => ({ kind: 'breakglass', breakglass: readBreakglass(statement) }),
}

/**
 * Reads what a statement says. Types are matched by family and version: a later minor version is read as the one
 * that is known, since it may only add. A type that is not known gives `unknown`, never an error.
 *
 * @throws SallyportError ATTESTATION_… with the path of the field, when a known predicate is not as its
 *   specification demands
 */
export function readPredicate(statement: Statement): Predicate {
  const { predicateType, predicate } = statement
  const format = formatOf(predicateType)?.format
  const read = format === undefined ? undefined : readers[format]
  if (read !== undefined) return read(predicate, statement, 'statement.predicate')
  const family = familyOf(predicateType)
  return { kind: 'unknown', predicateType, ...(family === undefined ? {} : { family }) }
}

/** An SBOM; a document without components that judges vulnerabilities is a VEX document. */
function readCycloneDxPredicate(
  predicate: JsonObject,
  statement: Statement,
  where: string,
): Predicate {
  const { object, place } = unwrapped(predicate, where)
  const { sbom, vex } = readCycloneDx(object, digestsOf(statement), place)
  if (vex.statements.length === 0) return { kind: 'sbom', sbom }
  return sbom.components.length === 0 ? { kind: 'vex', vex } : { kind: 'sbom', sbom, vex }
}

function readSpdxPredicate(predicate: JsonObject, _: Statement, where: string): Predicate {
  const { object, place } = unwrapped(predicate, where)
  return { kind: 'sbom', sbom: readSpdx(object, place) }
}

/** Early tools put the document into `Data`, as an object or as text. */
function unwrapped(predicate: JsonObject, where: string) {
  const data = field(predicate, 'Data')
  const isDocument =
    cycloneDxVersionOf(predicate) !== undefined ||
    field(predicate, 'spdxVersion') !== undefined ||
    field(predicate, '@context') !== undefined
  if (isDocument || data === undefined) return { object: predicate, place: where }
  const place = `${where}.Data`
  const value = typeof data === 'string' ? parseJson(Buffer.from(data), { what: place }) : data
  return isObject(value) ? { object: value, place } : { object: predicate, place: where }
}

function digestsOf({ subject }: Statement): readonly DigestSet[] {
  return subject.map(({ digest = {} }) => digest)
}
