import type { JsonObject } from '#document'
import type { ExplainedRule, Explanation } from '#policy'
import type { CommandLine } from '../../command-line.ts'
import type { Plan } from '../../commands.ts'
import { escape, escapeLine } from '../../escape.ts'
import type { Outcome } from '../../outcome.ts'
import { localisePaths } from '../../invocation.ts'
import type { Look } from '../../render.ts'
import type { Session } from '../../session.ts'
import { wrap } from '../../wrap.ts'

interface Options {
  readonly trust?: string
  readonly markdown?: true
}

/** `sallyport policy explain [target|file]` */
export function defineExplain(command: CommandLine, plan: Plan): void {
  command
    .description('say in plain words what a policy demands, of whom, against which threats')
    .argument('[subject]', 'a target such as prod/payments, or a policy file; without it, all')
    .option('--trust <file>', 'the trust file, instead of that of the home')
    .option('--markdown', 'print Markdown')
    .action((subject: string | undefined, options: Options) =>
      plan('nothing was explained', (session) => explain(session, subject, options)),
    )
}

async function explain(
  session: Session,
  subject: string | undefined,
  { trust, markdown }: Options,
): Promise<Outcome> {
  const { explainPolicies } = await import('#app')
  const explanations = await explainPolicies({
    config: session.config,
    cwd: session.cwd,
    ...(subject === undefined ? {} : { subject }),
    ...(trust === undefined ? {} : { trust }),
    now: session.now(),
  })
  const json = {
    apiVersion: 'sallyport.dev/v1',
    kind: 'PolicyExplanation',
    policies: explanations as unknown as readonly JsonObject[],
  }
  if (markdown === true) {
    const { explanationMarkdown } = await import('#policy')
    return { exit: 0, json, text: escape(explanations.map(explanationMarkdown).join('\n').trim()) }
  }
  const look = session.outLook()
  return { exit: 0, json, text: explanations.map((one) => textOf(one, look)).join('\n\n\n') }
}

function textOf(explanation: Explanation, look: Look): string {
  const { paint } = look
  const { name, owner, file, targets, artifacts, rules, consequences, unanswered } = explanation
  const say = (text: string): string => wrap(escapeLine(text), look.width, 0)
  const head = [
    `${paint.strong(escapeLine(name))} decides about ${escapeLine(targets.join(', '))}`,
    paint.faint(escapeLine(`owner ${owner}, ${localisePaths(file, look.invocation)}`)),
    ...(artifacts === '' ? [] : [say(`Only ${artifacts} may run there.`)]),
    ...consequences.map(say),
  ]
  const rest =
    unanswered.length === 0
      ? []
      : [
          [
            paint.strong('threats that no rule of this policy answers'),
            ...unanswered.map(({ id, title, elsewhere }) =>
              wrap(`  ${paint.faint(id)}  ${title}\n       ${elsewhere}`, look.width, 0),
            ),
          ].join('\n'),
        ]
  const parts = [head.join('\n'), ...rules.map((rule) => ruleText(rule, look)), ...rest]
  return parts.join('\n\n')
}

function ruleText(rule: ExplainedRule, look: Look): string {
  const { paint } = look
  const line = (label: string, text: string): string =>
    `  ${paint.faint(label.padEnd(8))}  ${wrap(escapeLine(text), look.width, 12)}`
  return [
    `${paint.strong(rule.rule)}  ${paint.faint(escapeLine(rule.where))}`,
    ...rule.demands.map((demand) => `  ${wrap(escapeLine(demand), look.width, 2)}`),
    line('by', rule.by.join(' or ')),
    ...(rule.exemption === undefined ? [] : [line('exempted', rule.exemption)]),
    line('against', `${rule.threat} (${rule.answers.map(({ id }) => id).join(', ')})`),
    line('cannot', rule.cannot),
  ].join('\n')
}
