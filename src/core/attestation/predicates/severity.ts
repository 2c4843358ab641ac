import { cvssScore } from './cvss.ts'

/** How bad a vulnerability is; `unknown` when nobody says so in words that are understood. */
export type Severity = 'none' | 'low' | 'medium' | 'high' | 'critical' | 'unknown'

const order = ['none', 'low', 'medium', 'high', 'critical'] as const

const words: Readonly<Record<string, Severity>> = {
  none: 'none',
  info: 'none',
  informational: 'none',
  negligible: 'low',
  minimal: 'low',
  low: 'low',
  minor: 'low',
  medium: 'medium',
  moderate: 'medium',
  high: 'high',
  important: 'high',
  major: 'high',
  critical: 'critical',
}

/** The rating of a CVSS score, on the scale of CVSS 3 and 4. */
export function ratingOf(score: number): Severity {
  if (!(score >= 0 && score <= 10)) return 'unknown'
  if (score === 0) return 'none'
  if (score < 4) return 'low'
  if (score < 7) return 'medium'
  return score < 9 ? 'high' : 'critical'
}

/** Reads what scanners write as severity: a word, a score, or a CVSS vector. */
export function readSeverity(text: string): Severity {
  const plain = text.trim()
  const word = plain.toLowerCase()
  if (Object.hasOwn(words, word)) return words[word] ?? 'unknown'
  if (/^\d{1,2}(?:\.\d{1,4})?$/.test(plain)) return ratingOf(Number(plain))
  const score = cvssScore(plain)
  return score === undefined ? 'unknown' : ratingOf(score)
}

/** The worst of several; what is unknown counts only when nothing is known. */
export function worstOf(severities: readonly Severity[]): Severity {
  return order.findLast((name) => severities.includes(name)) ?? 'unknown'
}

/** Whether a severity is at least as bad as another. An unknown one always is: nobody has said that it is not. */
export function isAtLeast(severity: Severity, bound: Severity): boolean {
  if (severity === 'unknown') return true
  return order.findIndex((name) => name === severity) >= order.findIndex((name) => name === bound)
}
