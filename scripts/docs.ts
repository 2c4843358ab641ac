// Writes docs/reference from the tables the program itself uses. `--check` fails when the files are not current.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { catalogue } from '#error'
import { lintsPage } from './docs/lints-page.ts'
import { policyPage } from './docs/policy-page.ts'
import { trustPage } from './docs/trust-page.ts'

const meaning = { 1: 'denied', 2: 'usage or configuration', 3: 'could not decide' } as const

const pages: Record<string, string> = {
  'docs/reference/problems.md': problems(),
  'docs/reference/policy.md': policyPage(),
  'docs/reference/trust.md': trustPage(),
  'docs/reference/lints.md': lintsPage(),
}

const stale = Object.entries(pages).filter(([file, text]) => current(file) !== text)
if (process.argv.includes('--check')) {
  for (const [file] of stale)
    process.stderr.write(`${file} is not current: run \`node scripts/docs.ts\`\n`)
  process.exitCode = stale.length === 0 ? 0 : 1
} else {
  mkdirSync('docs/reference', { recursive: true })
  for (const [file, text] of stale) writeFileSync(file, text)
}

function problems(): string {
  const rows = Object.entries(catalogue)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, { title, exit }]) => `| \`${code}\` | ${title} | ${exit} ${meaning[exit]} |`)
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
  ].join('\n')
}

function current(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
