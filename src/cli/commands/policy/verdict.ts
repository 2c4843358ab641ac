import type { VerdictReport } from '#app'
import { SallyportError } from '#error'
import type { CommandLine } from '../../command-line.ts'
import type { Plan } from '../../commands.ts'
import { escapeLine } from '../../escape.ts'
import type { Outcome } from '../../outcome.ts'
import type { Look } from '../../render.ts'
import type { Session } from '../../session.ts'

interface Options {
  readonly export: string
  readonly engine: string
  readonly engineVersion?: string
  readonly policyFile?: string
  readonly result?: string
}

export function defineVerdict(command: CommandLine, plan: Plan): void {
  command
    .description('record what another policy engine says about an export; it never counts as a yes')
    .needs('--export <file>', 'what the other engine was given')
    .needs('--engine <name>', 'its name, such as opa')
    .option('--engine-version <version>', 'its version')
    .option('--policy-file <file>', 'the policy that it judged by; its digest is recorded')
    .option('--result <file>', 'what it said (default: standard input)')
    .addHelpText('after', help)
    .action((options: Options) =>
      plan('nothing was recorded', (session) => record(session, options)),
    )
}

const help = `
The result is {"allow": true or false, "reasons": ["why", …]}, as it is or as \`opa eval\`, \`opa exec\` and OPA's
Data API wrap it.

exit codes:
  0 both say yes   1 one of them says no   2 usage, configuration or a bad result   3 one of them cannot tell`

async function record(session: Session, options: Options): Promise<Outcome> {
  const { recordVerdict } = await import('#app')
  const { engine: name, engineVersion: version, policyFile } = options
  const result = options.result === undefined ? await readInput() : { file: options.result }
  const report = await recordVerdict({
    config: await session.config(),
    exportFile: options.export,
    result,
    by: {
      name,
      ...(version === undefined ? {} : { version }),
      ...(policyFile === undefined ? {} : { policyFile }),
    },
    env: session.env,
    now: session.now,
  })
  const { index, verdict, exit, decision } = report
  const json = {
    apiVersion: 'sallyport.dev/v1',
    kind: 'VerdictReport',
    exit,
    index,
    verdict: JSON.parse(JSON.stringify(verdict)) as Record<string, never>,
    decision: { verdict: decision.verdict, effect: decision.effect },
  }
  return exit === 0
    ? { exit, json, text: textOf(report, session.outLook()) }
    : { exit, json, refusal: textOf(report, session.errLook()) }
}

const maxBytes = 1024 * 1024

/** Standard input, to its end; what is longer than any result is not read. */
async function readInput(): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBytes) throw new SallyportError(tooLong)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

const tooLong = {
  code: 'EXTERNAL_VERDICT_MALFORMED',
  where: 'standard input',
  expected: `at most ${maxBytes} bytes`,
  found: 'more',
  fix: 'Ask the other engine for its verdict and reasons only',
} as const

function textOf({ index, verdict, decision }: VerdictReport, { paint }: Look): string {
  const { by, explanation, artifact, target } = verdict
  const who = escapeLine([by.name, by.version ?? ''].join(' ').trim())
  const words = {
    allow: paint.good('allow'),
    deny: paint.bad('deny'),
    undefined: paint.bad('nothing'),
  }
  const where = escapeLine(`${artifact.name} in ${target.environment}/${target.service}`)
  const own = `decision ${verdict.decision.entry} stays ${decision.verdict}, ${decision.effect}`
  return [
    `sallyport: recorded: ${who} says ${words[verdict.verdict]} about ${where} (entry ${index} in the log)`,
    '',
    ...explanation.map((reason) => `  ${escapeLine(reason)}`),
    '',
    `${own}: what others say changes nothing about it`,
  ].join('\n')
}
