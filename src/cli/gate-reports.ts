import { accountOf, markdownOf, type Decision } from '#decision'
import { SallyportError } from '#error'
import { toSarif, type SarifFinding } from '#policy'
import { writeOutput } from './output-file.ts'

/** Where the answers of a pipeline's gate are written for others. */
export interface ReportFiles {
  /** Markdown is added at its end. */
  readonly summary: string | undefined
  readonly sarif: string | undefined
}

interface Answer {
  readonly decision: Decision
  readonly record: { readonly index: number } | { readonly spooled: string }
}

/** A job summary may have a mebibyte; other steps write to it, too. */
const maxSummary = 400_000

/**
 * Writes what was decided before anything is deployed: a result that nobody can read is found before, not after.
 *
 * @throws SallyportError GATE_OUTPUT
 */
export async function writeReports(
  answers: readonly Answer[],
  { summary, sarif }: ReportFiles,
  version: string,
): Promise<void> {
  if (summary !== undefined && summary !== '') await write(summary, summaryText(answers), 'a')
  if (sarif !== undefined)
    await write(sarif, `${JSON.stringify(sarifOf(answers, version), undefined, 2)}\n`, 'w')
}

function summaryText(answers: readonly Answer[]): string {
  const each = Math.floor(maxSummary / Math.max(1, answers.length))
  const texts = answers.map(({ decision, record }) => {
    const index = 'index' in record ? { index: record.index } : {}
    return markdownOf(accountOf(decision), { ...index, maxLength: Math.min(each, 60_000) })
  })
  return `### Sallyport\n\n${texts.join('\n---\n\n')}\n`
}

/** Every reason of every answer. A reason in spite of which something is let in is a warning. */
export function findingsOf(decision: Decision): readonly SarifFinding[] {
  const { severity, problems, artifact, target } = accountOf(decision)
  return problems.map((problem) => ({
    ...problem,
    severity,
    about: `${artifact} for ${target}`,
  }))
}

function sarifOf(answers: readonly Answer[], version: string) {
  const elsewhere = answers.find(({ decision }) => decision.policy !== null)?.decision.policy?.file
  return toSarif(
    answers.flatMap(({ decision }) => findingsOf(decision)),
    { version, elsewhere: elsewhere ?? 'sallyport.yaml' },
  )
}

async function write(file: string, text: string, how: 'w' | 'a'): Promise<void> {
  try {
    await writeOutput(file, text, how)
  } catch (cause) {
    throw new SallyportError(
      {
        code: 'GATE_OUTPUT',
        where: file,
        expected: 'a file that can be written',
        found: (cause as NodeJS.ErrnoException).code ?? 'an unknown error',
        fix: 'Name another file, or make this one writable; what was decided is recorded, and nothing was deployed',
      },
      { cause },
    )
  }
}
