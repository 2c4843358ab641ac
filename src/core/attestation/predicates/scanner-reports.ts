import type { Json, JsonObject } from '#document'
import { compact, field, optional, readName, readObject, readText, required } from '../field.ts'
import { maxFindings, type Finding } from './scan-types.ts'
import { readSeverity, worstOf, type Severity } from './severity.ts'
import {
  distinct,
  objectOrNothing,
  optionalText,
  purlOrNothing,
  readItems,
  readNames,
} from './text.ts'

const maxTargets = 100_000

/** Trivy's JSON report: `Results[].Vulnerabilities[]`. Undefined when the report is of another kind. */
export function readTrivy(report: JsonObject, where: string): readonly Finding[] | undefined {
  const isTrivy = ['SchemaVersion', 'ArtifactName', 'Results'].filter(
    (key) => field(report, key) !== undefined,
  )
  if (isTrivy.length < 2) return undefined
  return readItems(report, 'Results', where, maxTargets, (value, place) => {
    const target = readObject(value, place)
    return readItems(target, 'Vulnerabilities', place, maxFindings, readTrivyFinding)
  }).flat()
}

function readTrivyFinding(value: Json | undefined, where: string): Finding {
  const object = readObject(value, where)
  const identifier = optional(object, 'PkgIdentifier', where, readObject) ?? {}
  const severity = readSeverity(optionalText(object, 'Severity', where) ?? '')
  return {
    id: required(object, 'VulnerabilityID', where, readName),
    aliases: readNames(object, 'VendorIDs', where, 1_000),
    severity: severity === 'unknown' ? trivyCvss(object) : severity,
    package: compact({
      name: optionalText(object, 'PkgName', where),
      version: optionalText(object, 'InstalledVersion', where),
      purl: purlOrNothing(field(identifier, 'PURL')),
    }),
    fixedIn: distinct((optionalText(object, 'FixedVersion', where) ?? '').split(/\s*,\s*/)),
  }
}

/** Trivy's `CVSS` is a map from vendor to vectors and scores. */
function trivyCvss(object: JsonObject): Severity {
  const vendors = Object.values(objectOrNothing(field(object, 'CVSS')) ?? {})
  const scores = vendors.flatMap((vendor) =>
    ['V40Score', 'V3Score', 'V2Score'].map((key) => field(objectOrNothing(vendor) ?? {}, key)),
  )
  return worstOf(scores.map((score) => readSeverity(typeof score === 'number' ? `${score}` : '')))
}

/** Grype's JSON report: `matches[]`. Undefined when the report is of another kind. */
export function readGrype(report: JsonObject, where: string): readonly Finding[] | undefined {
  if (field(report, 'matches') === undefined) return undefined
  return readItems(report, 'matches', where, maxFindings, (value, place) => {
    const match = readObject(value, place)
    const vulnerability = required(match, 'vulnerability', place, readObject)
    const artifact = required(match, 'artifact', place, readObject)
    const fix = optional(vulnerability, 'fix', `${place}.vulnerability`, readObject) ?? {}
    return {
      id: required(vulnerability, 'id', `${place}.vulnerability`, readName),
      aliases: readItems(match, 'relatedVulnerabilities', place, 1_000, (item, at) =>
        required(readObject(item, at), 'id', at, readName),
      ),
      severity: readSeverity(
        optional(vulnerability, 'severity', `${place}.vulnerability`, readText) ?? '',
      ),
      package: compact({
        name: optionalText(artifact, 'name', `${place}.artifact`),
        version: optionalText(artifact, 'version', `${place}.artifact`),
        purl: purlOrNothing(field(artifact, 'purl')),
      }),
      fixedIn: readNames(fix, 'versions', `${place}.vulnerability.fix`, 1_000),
    }
  })
}
