import { readFileSync } from 'node:fs'
import { metaJsonSchema, policyJsonSchema, rules, threats } from '#policy'
import { cell, fieldTable, type Schema } from './schema-table.ts'

const example = 'examples/policies/every-rule.yaml'

/** docs/reference/policy.md: every field and rule, from the schema that the program itself uses. */
export function policyPage(): string {
  const schema = policyJsonSchema() as Schema
  const shapes = schema.properties?.['require']?.items?.anyOf ?? []
  return [
    '# Policies',
    '',
    'Generated from the schema by `node scripts/docs.ts`. `sallyport policy schema` prints the JSON Schema, `sallyport policy',
    'explain FILE` says in plain words what a policy demands, and `sallyport policy check` finds what is wrong with it.',
    '',
    'Editors with yaml-language-server complete and check policies that begin with',
    '',
    '```yaml',
    '# yaml-language-server: $schema=./node_modules/sallyport/schemas/policy.schema.json',
    '```',
    '',
    '(the path starts where the policy is; the package has `policy.schema.json`, `trust.schema.json` and `meta-policy.schema.json`).',
    '',
    '## Fields',
    '',
    ...fieldTable(schema, ['require']),
    '',
    'A field that is not listed here is refused, and so is a rule. There are no wildcards and no regular expressions: names match',
    'exactly, or as `{prefix: …/}` everything below a path.',
    '',
    '## Rules',
    '',
    'Every entry of `require` is one rule, and all of them must hold. `by` names whose word counts: signers of the',
    '[trust file](trust.md). The examples are from [examples/policies/every-rule.yaml](../../examples/policies/every-rule.yaml).',
    '',
    '| rule | answers the threats |',
    '| --- | --- |',
    ...[...rules.values()].map(
      (rule) => `| [\`${rule.name}\`](#${rule.name.toLowerCase()}) | ${rule.threats.join(', ')} |`,
    ),
    '',
    ...[...rules.keys()].flatMap((name) =>
      ruleSection(
        name,
        shapes.find(({ properties }) => properties?.[name] !== undefined)?.properties?.[name] ?? {},
      ),
    ),
    ...metaSection(),
    '## Threats',
    '',
    'After *Building Secure & Reliable Systems*, chapter 14 (T01 to T11), and further texts. No rule answers a threat wholly.',
    '',
    '| | threat | rules |',
    '| --- | --- | --- |',
    ...Object.entries(threats).map(
      ([id, title]) => `| ${id} | ${cell(title)} | ${rulesAgainst(id) || 'none'} |`,
    ),
    '',
  ].join('\n')
}

function ruleSection(name: string, shape: Schema): readonly string[] {
  const rule = rules.get(name)
  if (rule === undefined) throw new TypeError(`${name} is no rule`)
  return [
    `### ${name}`,
    '',
    `Without it: ${rule.threat} (${rule.threats.join(', ')})`,
    '',
    `What it cannot do: ${rule.cannot}`,
    '',
    '```yaml',
    ...exampleOf(name),
    '```',
    '',
    ...fieldTable(shape),
    '',
  ]
}

/** The lines of the rule in the example: from its "-" to the next entry or comment. */
function exampleOf(name: string): readonly string[] {
  const lines = readFileSync(example, 'utf8').split('\n')
  const start = lines.findIndex((line) => line.startsWith(`  - ${name}:`))
  if (start === -1) throw new TypeError(`${example} has no rule ${name}`)
  const length = lines.slice(start + 1).findIndex((line) => !line.startsWith('    '))
  return lines.slice(start, start + 1 + length).map((line) => line.slice(2))
}

function rulesAgainst(id: string): string {
  return [...rules.values()]
    .filter((rule) => rule.threats.some((threat) => threat === id))
    .map(({ name }) => `\`${name}\``)
    .join(', ')
}

function metaSection(): readonly string[] {
  const meta = readFileSync('examples/policies/meta.yaml', 'utf8').trimEnd().split('\n').slice(1)
  return [
    '## Meta-policies',
    '',
    'A meta-policy states what every policy of some targets must contain. It is held against policies, never against deployments,',
    'and a set in which a policy breaks it is not loaded: nothing is decided with it, and `sallyport verify` ends with 2. A file of',
    '`kind: MetaPolicy` among the policies is one. Those that `metaPolicies` in `sallyport.yaml` names hold whatever policies a',
    'command names instead of the configured ones.',
    '',
    '```yaml',
    ...meta,
    '```',
    '',
    'A number is the least that is accepted, a span of time the longest, `by` the only signers, and a list what must be among the',
    'listed. Without a parameter, the rule must be there.',
    '',
    ...fieldTable(metaJsonSchema()),
    '',
  ]
}
