// Writes docs/reference from the tables the program itself uses. `--check` fails when the files are not current.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { apiDocument, apiPage } from './docs/api-page.ts'
import { eventSchema, eventsPage } from './docs/events-page.ts'
import { lintsPage } from './docs/lints-page.ts'
import { problemsPage } from './docs/problems-page.ts'
import { policyPage } from './docs/policy-page.ts'
import { trustPage } from './docs/trust-page.ts'

const pages: Record<string, string> = {
  'docs/reference/problems.md': problemsPage(),
  'docs/reference/policy.md': policyPage(),
  'docs/reference/trust.md': trustPage(),
  'docs/reference/lints.md': lintsPage(),
  'docs/reference/api.md': apiPage(),
  'docs/reference/openapi.json': apiDocument(),
  'docs/reference/events.md': eventsPage(),
  'docs/reference/security-event.schema.json': eventSchema(),
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

function current(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
