import { isObject, type Json, type JsonObject } from '#document'
import {
  compact,
  field,
  optional,
  readList,
  readName,
  readObject,
  readText,
  required,
  wrongField,
} from '../field.ts'
import { readTime } from '../time.ts'
import { maxFindings, type Finding, type Scan } from './scan-types.ts'
import { readGrype, readTrivy } from './scanner-reports.ts'
import { readSeverity, worstOf, type Severity } from './severity.ts'
import { distinct, objectOrNothing, optionalText, purlOrNothing } from './text.ts'

/** in-toto's vulns v0.1 and v0.2. https://github.com/in-toto/attestation/blob/main/spec/predicates/vulns_02.md */
export function readVulns(predicate: JsonObject, where: string): Scan {
  const scanner = required(predicate, 'scanner', where, readObject)
  const place = `${where}.scanner`
  return compact<Scan>({
    ...readScanner(predicate, 'in-toto-vulns', where),
    findings: readList(
      field(scanner, 'result'),
      `${place}.result`,
      { max: maxFindings },
      readResult,
    ),
  })
}

/**
 * cosign's vuln v1: the same frame around the report of the scanner itself. A report that is not understood is
 * refused: taken for empty, it would say that there is nothing to find.
 * https://github.com/sigstore/cosign/blob/main/specs/COSIGN_VULN_ATTESTATION_SPEC.md
 */
export function readCosignVuln(predicate: JsonObject, where: string): Scan {
  const scanner = required(predicate, 'scanner', where, readObject)
  const place = `${where}.scanner.result`
  return compact<Scan>({
    ...readScanner(predicate, 'cosign-vuln', where),
    findings: readReport(field(scanner, 'result'), place),
  })
}

function readReport(report: Json | undefined, where: string): readonly Finding[] {
  if (Array.isArray(report)) return readList(report, where, { max: maxFindings }, readResult)
  if (isObject(report)) {
    const findings = readTrivy(report, where) ?? readGrype(report, where)
    if (findings !== undefined) return findings
  }
  throw wrongField(where, 'the JSON report of Trivy or Grype, or a list of vulnerabilities', report)
}

function readScanner(predicate: JsonObject, format: Scan['format'], where: string): Scan {
  const scanner = required(predicate, 'scanner', where, readObject)
  const place = `${where}.scanner`
  const database = optional(scanner, 'db', place, readObject) ?? {}
  const metadata = required(predicate, 'metadata', where, readObject)
  return compact<Scan>({
    format,
    scanner: required(scanner, 'uri', place, readName),
    scannerVersion: optionalText(scanner, 'version', place),
    databaseTime: optional(database, 'lastUpdate', `${place}.db`, readTime),
    startedOn: required(metadata, 'scanStartedOn', `${where}.metadata`, readTime),
    finishedOn: required(metadata, 'scanFinishedOn', `${where}.metadata`, readTime),
    findings: [],
  })
}

/** v0.2 lists vulnerabilities; v0.1 says "vulnerability" around each in its text and not in its example. */
function readResult(value: Json | undefined, where: string): Finding {
  const outer = readObject(value, where)
  const wrapped = objectOrNothing(field(outer, 'vulnerability'))
  const object = wrapped ?? outer
  const place = wrapped === undefined ? where : `${where}.vulnerability`
  const annotations = annotationsOf(field(object, 'annotations'), `${place}.annotations`)
  const purl = purlOrNothing(annotations.get('purl') ?? annotations.get('package'))
  return compact<Finding>({
    id: required(object, 'id', place, readName),
    aliases: distinct((annotations.get('aliases') ?? '').split(/[\s,]+/)),
    severity: severityOf(field(object, 'severity'), `${place}.severity`),
    package: purl === undefined ? undefined : { purl },
    fixedIn: distinct([annotations.get('fixedIn') ?? annotations.get('fixed_version')]),
  })
}

/** One or several `{method, score}`. */
function severityOf(value: Json | undefined, where: string): Severity {
  const scores = Array.isArray(value) ? value : [value]
  return worstOf(
    readList(scores, where, { max: 100 }, (item, place) =>
      readSeverity(required(readObject(item, place), 'score', place, readScore)),
    ),
  )
}

function readScore(value: Json | undefined, where: string): string {
  return typeof value === 'number' ? String(value) : readText(value, where)
}

/** A list of maps, or one map; only texts are looked at. */
function annotationsOf(value: Json | undefined, where: string): ReadonlyMap<string, string> {
  const maps = Array.isArray(value) ? value : value === undefined ? [] : [value]
  const pairs = readList(maps, where, { max: 100 }, readObject).flatMap((map) =>
    Object.entries(map),
  )
  return new Map(pairs.flatMap(([key, text]) => (typeof text === 'string' ? [[key, text]] : [])))
}
