import { sha256Hex, type JsonObject } from '#document'
import { catalogue, escape, type ProblemCode } from '#error'
import type { Lint, LintFinding } from '../lint/lint.ts'
import { lints } from '../lint/lints.ts'
import { placeOf } from './check-rulebook.ts'

const help = 'https://sallyport.dev/docs/reference'

/** A finding, and what it is about where that is more than a place in a file. */
export interface SarifFinding extends LintFinding {
  readonly about?: string
}

export interface SarifOptions {
  readonly version: string
  /** What else than policies was looked at. */
  readonly lints?: readonly SarifRule[]
  /** The file that is named for a finding that is at no line of any: services refuse results without a place. */
  readonly elsewhere?: string
}

/** Services take so many; what is left out is counted. */
const maxResults = 1000
const maxText = 1500

/**
 * Findings as a SARIF 2.1.0 log, for code-scanning services and editors. Texts in findings may be anybody's: in here they
 * are text, and no link, control or mark.
 */
export function toSarif(all: readonly SarifFinding[], tool: SarifOptions): JsonObject {
  const findings = all.slice(0, maxResults)
  const codes = [...new Set(findings.map(({ code }) => code))].sort()
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'Sallyport',
            informationUri: 'https://sallyport.dev',
            semanticVersion: tool.version,
            rules: codes.map((code) => ruleOf(code, [...lints, ...(tool.lints ?? [])])),
          },
        },
        columnKind: 'utf16CodeUnits',
        results: findings.map((finding) =>
          resultOf(finding, codes.indexOf(finding.code), tool.elsewhere),
        ),
        ...(all.length > maxResults ? { properties: { leftOut: all.length - maxResults } } : {}),
      },
    ],
  }
}

type SarifRule = Pick<Lint, 'code' | 'severity' | 'why'>

function ruleOf(code: ProblemCode, known: readonly SarifRule[]): JsonObject {
  const lint = known.find((one) => one.code === code)
  const page = lint === undefined ? 'problems' : 'lints'
  return {
    id: code,
    shortDescription: { text: catalogue[code].title },
    help: { text: helpOf(code) },
    ...(lint === undefined ? {} : { fullDescription: { text: lint.why } }),
    helpUri: `${help}/${page}#${code.toLowerCase()}`,
    defaultConfiguration: { level: lint?.severity ?? 'error' },
  }
}

const consequences = {
  1: 'It denies a deployment.',
  2: 'Something that somebody wrote has to be corrected before anything is decided.',
  3: 'Nothing could be decided, so nothing is let in.',
} as const

function helpOf(code: ProblemCode): string {
  const { title, exit } = catalogue[code]
  return `${title}. ${consequences[exit]} Each result says what was expected, what was found and what to do.`
}

function resultOf(finding: SarifFinding, ruleIndex: number, elsewhere?: string): JsonObject {
  const { code, severity, where = '', expected, found, fix, about } = finding
  const place = placeOf(finding)
  const isPlaced = place.line !== undefined || elsewhere === undefined
  const { file, line, column } = isPlaced ? place : { file: elsewhere, line: 1 }
  const region = line === undefined ? {} : { region: { startLine: line, startColumn: column ?? 1 } }
  return {
    ruleId: code,
    ruleIndex,
    level: severity,
    message: {
      text: [
        `${catalogue[code].title}.`,
        ...(about === undefined ? [] : [`About: ${plain(about)}.`]),
        ...(isPlaced || where === '' ? [] : [`Where: ${plain(where)}.`]),
        `Expected: ${plain(expected)}. Found: ${plain(found)}. Fix: ${plain(fix)}.`,
      ].join(' '),
    },
    // Of what stays the same from run to run: lines move, and what was found may have the time in it.
    partialFingerprints: {
      'sallyport/v1': sha256Hex(JSON.stringify([code, place.file, place.path ?? '', about ?? ''])),
    },
    locations:
      file === ''
        ? []
        : [{ physicalLocation: { artifactLocation: { uri: uriOf(file) }, ...region } }],
  }
}

/** In a message `[…](…)` is a link. */
function plain(text: string): string {
  const short = text.length <= maxText ? text : `${text.slice(0, maxText)}…`
  return escape(short.toWellFormed()).replaceAll(/[\\[\]]/g, String.raw`\$&`)
}

/** SARIF takes URIs: what a path may have and a URI may not is encoded. */
function uriOf(file: string): string {
  const path = file.toWellFormed().slice(0, 2000).split('/').map(encodeURIComponent).join('/')
  return file.startsWith('/') ? `file://${path}` : path
}
