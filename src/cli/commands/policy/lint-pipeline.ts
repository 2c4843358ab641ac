import type { CommandLine } from '../../command-line.ts'
import type { Plan } from '../../commands.ts'
import { jsonText } from '../../json-text.ts'
import type { Outcome } from '../../outcome.ts'
import { plural } from '../../render.ts'
import type { Session } from '../../session.ts'
import { countsOf, findingJson, findingTexts, isFailing } from './findings.ts'

interface Options {
  readonly strict?: true
  readonly sarif?: true
}

/** `sallyport policy lint-pipeline <files…>` */
export function defineLintPipeline(command: CommandLine, plan: Plan): void {
  command
    .description('find where GitHub workflows and GitLab pipelines make verification worthless')
    .argument('<files...>', 'pipeline files')
    .option('--strict', 'let warnings fail the check as errors do')
    .option('--sarif', 'print SARIF 2.1.0')
    .action((files: readonly string[], options: Options) =>
      plan('nothing was checked', (session) => lint(session, files, options)),
    )
}

async function lint(
  session: Session,
  files: readonly string[],
  { strict = false, sarif = false }: { readonly strict?: boolean; readonly sarif?: boolean },
): Promise<Outcome> {
  const { lintPipelines } = await import('#app')
  const { findings, sources, lints } = await lintPipelines({ files, cwd: session.cwd })
  const exit = findings.some(isFailing(strict)) ? 1 : 0
  if (sarif) {
    const { toSarif } = await import('#policy')
    const json = toSarif(findings, { version: session.version, lints })
    return { exit, json, text: jsonText(json) }
  }
  const texts = findingTexts(findings, sources, session.outLook())
  const total = `${files.length} ${plural(files.length, 'pipeline')}: ${countsOf(findings)}`
  return {
    exit,
    json: {
      apiVersion: 'sallyport.dev/v1',
      kind: 'PipelineLint',
      exit,
      findings: findings.map(findingJson),
    },
    text: [...texts, total].join('\n\n'),
  }
}
