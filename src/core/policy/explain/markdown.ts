import type { ExplainedRule, Explanation } from './explain.ts'

/** An explanation as Markdown, for a wiki or a pull request. */
export function explanationMarkdown(explanation: Explanation): string {
  const { name, owner, file, targets, artifacts, rules, consequences } = explanation
  return [
    `# ${escape(name)}`,
    '',
    `Decides about ${targets.map(code).join(', ')}. Owner: ${escape(owner)}. File: ${code(file)}.`,
    ...(artifacts === '' ? [] : ['', `Only ${escape(artifacts)} may run there.`]),
    '',
    ...consequences,
    '',
    ...rules.flatMap(ruleMarkdown),
    '## Threats that no rule of this policy answers',
    '',
    '| | threat | what answers it elsewhere |',
    '| --- | --- | --- |',
    ...explanation.unanswered.map(
      ({ id, title, elsewhere }) => `| ${id} | ${escape(title)} | ${escape(elsewhere)} |`,
    ),
    '',
  ].join('\n')
}

function ruleMarkdown(rule: ExplainedRule): readonly string[] {
  return [
    `## ${escape(rule.rule)}`,
    '',
    ...rule.demands.map((demand) => `- ${escape(demand)}`),
    `- Who must say it: ${escape(rule.by.join(' or '))}.`,
    ...(rule.exemption === undefined ? [] : [`- **Exempted.** ${escape(rule.exemption)}`]),
    '',
    `Without it: ${escape(rule.threat)} (${rule.answers.map(({ id }) => id).join(', ')})`,
    '',
    `What it cannot do: ${escape(rule.cannot)}`,
    '',
  ]
}

/** Texts of a policy are shown, never obeyed: no markup, no line, no cell of theirs takes effect. */
function escape(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/[\\*_[\]<>|#!~]/g, '\\$&')
    .replaceAll('&', '&amp;')
    .replaceAll('@', '@\u200b')
}

function code(text: string): string {
  return `\`${text.replace(/[`\s]/g, ' ').replaceAll('|', '\\|')}\``
}
