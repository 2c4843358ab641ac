import type { Severity } from './severity.ts'

/** What a scanner found in an artifact, in whatever format it said so. */
export interface Scan {
  readonly format: 'in-toto-vulns' | 'cosign-vuln' | 'osv-results'
  /** Who scanned: a URI, or the name of the tool. */
  readonly scanner: string
  readonly scannerVersion?: string
  /** When the database of vulnerabilities was last updated. */
  readonly databaseTime?: string
  readonly startedOn?: string
  readonly finishedOn?: string
  readonly findings: readonly Finding[]
}

/** One vulnerability in one package. */
export interface Finding {
  readonly id: string
  /** Other names of the same vulnerability. */
  readonly aliases: readonly string[]
  /** The worst rating that the scanner reports. */
  readonly severity: Severity
  readonly package?: FoundPackage
  /** Versions in which it is fixed; empty when none is known. */
  readonly fixedIn: readonly string[]
}

export interface FoundPackage {
  readonly name?: string
  readonly version?: string
  /** In canonical form. */
  readonly purl?: string
}

export const maxFindings = 100_000
