import { existsSync, readFileSync } from 'node:fs'
import { catalogue, type Problem } from '#error'

const meaning = { 1: 'denied', 2: 'usage or configuration', 3: 'could not decide' } as const
const examplesFile = 'docs/reference/problem-examples.json'

/** Every code, what it means, and what one looks like. */
export function problemsPage(): string {
  const examples = readExamples()
  const entries = Object.entries(catalogue).sort(([a], [b]) => (a < b ? -1 : 1))
  const rows = entries.map(
    ([code, { title, exit }]) => `| \`${code}\` | ${title} | ${exit} ${meaning[exit]} |`,
  )
  const shown = entries.flatMap(([code, { title }]) => exampleOf(code, title, examples[code]))
  return [
    '# Problem codes',
    '',
    'Generated from `src/core/error/catalogue` by `node scripts/docs.ts`. A code is never reused and never changes its meaning.',
    'Every problem also says where it is, what was expected, what was found, and a fix.',
    '',
    '| code | what it means | exit code |',
    '|---|---|---|',
    ...rows,
    '',
    '## Examples',
    '',
    'Each of these was made by a test (`node scripts/examples.ts`). Codes that begin with `LINT_` have theirs in [lints](lints.md).',
    ...shown,
    '',
  ].join('\n')
}

/** Codes of which no test has made an example yet, as far as this page knows. */
export function withoutExample(): readonly string[] {
  const examples = readExamples()
  return Object.keys(catalogue).filter((code) => examples[code] === undefined && !isLint(code))
}

function isLint(code: string): boolean {
  return code.startsWith('LINT_')
}

function readExamples(): Readonly<Record<string, Problem>> {
  if (!existsSync(examplesFile)) return {}
  return JSON.parse(readFileSync(examplesFile, 'utf8')) as Record<string, Problem>
}

function exampleOf(code: string, title: string, example: Problem | undefined): readonly string[] {
  if (example === undefined) return []
  const { where = '', expected, found, fix } = example
  const fence = '````'
  return [
    '',
    `${fence}text`,
    `error[${code}]: ${title}`,
    `  --> ${where}`,
    `  expected  ${expected}`,
    `  found     ${found}`,
    `  fix       ${fix}`,
    fence,
  ]
}
