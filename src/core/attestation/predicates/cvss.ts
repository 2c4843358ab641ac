import { cvss4Score, isCvss4 } from './cvss4.ts'

/** The metrics of a vector, by their short names. */
export type Metrics = ReadonlyMap<string, string>

const maxLength = 512

/**
 * The base score of a CVSS vector of version 2, 3.0, 3.1 or 4.0; undefined when the text is no such vector. Threat
 * and environment are left out: they can only be judged by who runs the software.
 * https://www.first.org/cvss
 */
export function cvssScore(vector: string): number | undefined {
  if (vector.length > maxLength) return undefined
  const [, version, rest = ''] = /^(?:CVSS:(3\.[01]|4\.0)\/)?(.*)$/.exec(vector) ?? []
  const metrics = metricsOf(rest.replace(/^\(|\)$/g, ''))
  if (metrics === undefined) return undefined
  if (version === '4.0') return isCvss4(metrics) ? cvss4Score(metrics) : undefined
  return version === undefined ? cvss2Score(metrics) : cvss3Score(metrics)
}

function metricsOf(text: string): Metrics | undefined {
  const metrics = new Map<string, string>()
  for (const part of text.split('/')) {
    const [, metric, level] = /^([A-Za-z]{1,3}):([A-Za-z]{1,6})$/.exec(part) ?? []
    if (metric === undefined || level === undefined || metrics.has(metric)) return undefined
    metrics.set(metric, level)
  }
  return metrics
}

const weights3 = {
  AV: { N: 0.85, A: 0.62, L: 0.55, P: 0.2 },
  AC: { L: 0.77, H: 0.44 },
  PR: { N: 0.85, L: 0.62, H: 0.27 },
  UI: { N: 0.85, R: 0.62 },
  S: { U: 0, C: 1 },
  C: { H: 0.56, L: 0.22, N: 0 },
  I: { H: 0.56, L: 0.22, N: 0 },
  A: { H: 0.56, L: 0.22, N: 0 },
} as const
const changedPrivileges = { N: 0.85, L: 0.68, H: 0.5 }

function cvss3Score(metrics: Metrics): number | undefined {
  const weights = weigh(metrics, weights3)
  if (weights === undefined) return undefined
  const { AV, AC, UI, S } = weights
  const isChanged = S === 1
  const PR = isChanged ? changedPrivileges[metrics.get('PR') as 'N'] : weights.PR
  const base = lossOf(weights)
  const impact = isChanged ? 7.52 * (base - 0.029) - 3.25 * (base - 0.02) ** 15 : 6.42 * base
  if (impact <= 0) return 0
  const sum = impact + 8.22 * AV * AC * PR * UI
  return roundUp(Math.min(isChanged ? 1.08 * sum : sum, 10))
}

/** CVSS 3.1 appendix A: to the next tenth, free of the errors of binary fractions. */
function roundUp(score: number): number {
  const integer = Math.round(score * 100_000)
  return integer % 10_000 === 0 ? integer / 100_000 : (Math.floor(integer / 10_000) + 1) / 10
}

const weights2 = {
  AV: { L: 0.395, A: 0.646, N: 1 },
  AC: { H: 0.35, M: 0.61, L: 0.71 },
  Au: { M: 0.45, S: 0.56, N: 0.704 },
  C: { N: 0, P: 0.275, C: 0.66 },
  I: { N: 0, P: 0.275, C: 0.66 },
  A: { N: 0, P: 0.275, C: 0.66 },
} as const

function cvss2Score(metrics: Metrics): number | undefined {
  const weights = weigh(metrics, weights2)
  if (weights === undefined) return undefined
  const { AV, AC, Au } = weights
  const impact = 10.41 * lossOf(weights)
  const exploitability = 20 * AV * AC * Au
  const score = (0.6 * impact + 0.4 * exploitability - 1.5) * (impact === 0 ? 0 : 1.176)
  return Math.round(score * 10) / 10
}

/** What confidentiality, integrity and availability lose together. */
function lossOf({ C, I, A }: Readonly<Record<'C' | 'I' | 'A', number>>): number {
  return 1 - (1 - C) * (1 - I) * (1 - A)
}

/** The weight of each base metric; undefined when one is missing or has no such level. */
function weigh<Metric extends string>(
  metrics: Metrics,
  table: Readonly<Record<Metric, Readonly<Record<string, number>>>>,
): Readonly<Record<Metric, number>> | undefined {
  const found = Object.entries<Readonly<Record<string, number>>>(table).map(([metric, levels]) => {
    const level = metrics.get(metric) ?? ''
    return [metric, Object.hasOwn(levels, level) ? levels[level] : undefined] as const
  })
  if (found.some(([, weight]) => weight === undefined)) return undefined
  return Object.fromEntries(found) as Readonly<Record<Metric, number>>
}
