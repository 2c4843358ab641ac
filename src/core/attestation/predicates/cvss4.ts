import type { Metrics } from './cvss.ts'

/**
 * Scores of the macro vectors whose threat and safety are not stated, by EQ1 and EQ2; each row goes through
 * EQ3+EQ6 00, 01, 10, 11, 21, and for each through EQ4 1 and 2. Expert judgement, not a formula.
 * https://www.first.org/cvss/v4.0/specification-document#CVSS-v4-0-Scoring
 */
const scores: Readonly<Record<string, readonly number[]>> = {
  '00': [10, 9.3, 9.6, 9, 9.3, 8.8, 9.2, 8, 7.9, 6.9],
  '01': [9.5, 9.2, 9.1, 8.1, 9.2, 8.4, 8.2, 7, 7.1, 6.3],
  '10': [9.4, 8.7, 8.9, 7.5, 8.6, 7.2, 7.6, 5.7, 6.5, 5.3],
  '11': [9, 7.7, 7.7, 6.6, 7.4, 6.1, 5.9, 5.2, 5.8, 2.3],
  '20': [8.6, 7, 7.4, 5.4, 7.2, 5.3, 5.7, 3.6, 4.7, 2.4],
  '21': [7.3, 5.4, 5.5, 4.3, 6.1, 4.6, 5.1, 1.8, 2.4, 1],
}
const impactLevels = ['00', '01', '10', '11', '21']

/** The levels of each metric, from the most to the least severe. */
const levels: Readonly<Record<string, string>> = {
  AV: 'NALP',
  PR: 'NLH',
  UI: 'NPA',
  AC: 'LH',
  AT: 'NP',
  VC: 'HLN',
  VI: 'HLN',
  VA: 'HLN',
  SC: 'HLN',
  SI: 'HLN',
  SA: 'HLN',
}

/** For each equivalence set: its most severe vectors, and how many steps lie within it. */
interface Set {
  readonly highest: readonly string[]
  readonly steps: number
}

const exploitability: readonly Set[] = [
  { highest: ['AV:N/PR:N/UI:N'], steps: 1 },
  { highest: ['AV:A/PR:N/UI:N', 'AV:N/PR:L/UI:N', 'AV:N/PR:N/UI:P'], steps: 4 },
  { highest: ['AV:P/PR:N/UI:N', 'AV:A/PR:L/UI:P'], steps: 5 },
]
const complexity: readonly Set[] = [
  { highest: ['AC:L/AT:N'], steps: 1 },
  { highest: ['AC:H/AT:N', 'AC:L/AT:P'], steps: 2 },
]
const impact: Readonly<Record<string, Set>> = {
  '00': { highest: ['VC:H/VI:H/VA:H'], steps: 7 },
  '10': { highest: ['VC:L/VI:H/VA:H', 'VC:H/VI:L/VA:H'], steps: 8 },
  '21': { highest: ['VC:L/VI:L/VA:L'], steps: 10 },
}
const subsequent: Readonly<Record<string, Set>> = {
  '1': { highest: ['SC:H/SI:H/SA:H'], steps: 5 },
  '2': { highest: ['SC:L/SI:L/SA:L'], steps: 4 },
}

/** Whether these are the base metrics of CVSS v4.0, each with a level that exists. */
export function isCvss4(metrics: Metrics): boolean {
  return Object.entries(levels).every(([metric, known]) => {
    const level = metrics.get(metric) ?? ''
    return level.length === 1 && known.includes(level)
  })
}

/** The base score of CVSS v4.0: the score of the macro vector, less a part for each step below its highest. */
export function cvss4Score(metrics: Metrics): number {
  const has = (level: string, ...names: readonly string[]) =>
    names.some((name) => metrics.get(name) === level)
  if (!has('H', ...impacts) && !has('L', ...impacts)) return 0
  const [one, two] = [
    exploitabilityOf(metrics),
    metrics.get('AC') === 'L' && !has('P', 'AT') ? 0 : 1,
  ]
  const three = has('H', 'VC', 'VI', 'VA') ? (bothHigh(metrics) ? '00' : '10') : '21'
  const four = has('H', 'SC', 'SI', 'SA') ? 1 : 2
  const score = scoreAt(one, two, three, four) ?? 0
  const losses = [
    lossOf(metrics, exploitability[one], score, scoreAt(one + 1, two, three, four)),
    lossOf(metrics, complexity[two], score, scoreAt(one, two + 1, three, four)),
    lossOf(metrics, impact[three], score, belowImpact(one, two, three, four)),
    lossOf(metrics, subsequent[String(four)], score, scoreAt(one, two, three, four + 1)),
  ].filter((loss) => loss !== undefined)
  // The fifth set, the maturity of exploits, has a lower one too; not stated, it loses nothing.
  const mean = losses.reduce((sum, loss) => sum + loss, 0) / (losses.length + 1)
  return Math.round(Math.max(0, score - mean) * 10 + 1e-9) / 10
}

const impacts = ['VC', 'VI', 'VA', 'SC', 'SI', 'SA']

function exploitabilityOf(metrics: Metrics): 0 | 1 | 2 {
  const none = ['AV', 'PR', 'UI'].filter((metric) => metrics.get(metric) === 'N').length
  if (none === 3) return 0
  return none > 0 && metrics.get('AV') !== 'P' ? 1 : 2
}

function bothHigh(metrics: Metrics): boolean {
  return metrics.get('VC') === 'H' && metrics.get('VI') === 'H'
}

function scoreAt(one: number, two: number, three: string, four: number): number | undefined {
  if (four > 2) return undefined
  return scores[`${one}${two}`]?.[impactLevels.indexOf(three) * 2 + four - 1]
}

/** The set below, where EQ3 and EQ6 go together; of two ways down the higher one. */
function belowImpact(one: number, two: number, three: string, four: number): number | undefined {
  if (three === '10') return scoreAt(one, two, '11', four)
  if (three === '21') return undefined
  return Math.max(scoreAt(one, two, '01', four) ?? 0, scoreAt(one, two, '10', four) ?? 0)
}

function lossOf(
  metrics: Metrics,
  set: Set | undefined,
  score: number,
  below: number | undefined,
): number | undefined {
  if (below === undefined || set === undefined) return undefined
  for (const highest of set.highest) {
    const steps = highest.split('/').map((part) => stepsBelow(metrics, part))
    if (steps.every((step) => step >= 0)) {
      return ((score - below) * steps.reduce((sum, step) => sum + step, 0)) / set.steps
    }
  }
  return 0
}

function stepsBelow(metrics: Metrics, part: string): number {
  const [metric = '', level = ''] = part.split(':')
  const known = levels[metric] ?? ''
  return known.indexOf(metrics.get(metric) ?? '') - known.indexOf(level)
}
