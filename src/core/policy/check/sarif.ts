import type { JsonObject } from '#document'
import { catalogue, type ProblemCode } from '#error'
import type { Lint, LintFinding } from '../lint/lint.ts'
import { lints } from '../lint/lints.ts'
import { placeOf } from './check-rulebook.ts'

const help = 'https://sallyport.dev/docs/reference'

/** Findings as a SARIF 2.1.0 log, for code-scanning services and editors. */
export function toSarif(
  findings: readonly LintFinding[],
  tool: {
    readonly version: string
    /** What else than policies was looked at. */
    readonly lints?: readonly SarifRule[]
  },
): JsonObject {
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
        results: findings.map((finding) => resultOf(finding, codes.indexOf(finding.code))),
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
    ...(lint === undefined ? {} : { fullDescription: { text: lint.why } }),
    helpUri: `${help}/${page}#${code.toLowerCase()}`,
    defaultConfiguration: { level: lint?.severity ?? 'error' },
  }
}

function resultOf(finding: LintFinding, ruleIndex: number): JsonObject {
  const { code, severity, expected, found, fix } = finding
  const { file, line, column } = placeOf(finding)
  const region = line === undefined ? {} : { region: { startLine: line, startColumn: column ?? 1 } }
  return {
    ruleId: code,
    ruleIndex,
    level: severity,
    message: {
      text: `${catalogue[code].title}. Expected: ${expected}. Found: ${found}. Fix: ${fix}.`,
    },
    locations:
      file === ''
        ? []
        : [{ physicalLocation: { artifactLocation: { uri: uriOf(file) }, ...region } }],
  }
}

/** SARIF takes URIs: what a path may have and a URI may not is encoded. */
function uriOf(file: string): string {
  const path = file.split('/').map(encodeURIComponent).join('/')
  return file.startsWith('/') ? `file://${path}` : path
}
