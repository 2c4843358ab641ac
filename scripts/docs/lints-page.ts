import { readdirSync, readFileSync } from 'node:fs'
import { parseYaml } from '#document'
import { catalogue } from '#error'
import { pipelineLints, type PipelineLint } from '#materials'
import { lints, type Lint } from '#policy'

const folder = 'test/vectors/policy-lint'

interface Example {
  readonly policies?: readonly string[]
  readonly signers?: string
}

interface Vector {
  readonly lint: string
  readonly bad: Example
  readonly good: Example
}

/** docs/reference/lints.md: what is questionable, why, and an example of bad and good, which the tests use. */
export function lintsPage(): string {
  const vectors = readdirSync(folder).map((file) => {
    const { value } = parseYaml(readFileSync(`${folder}/${file}`), { file })
    return value as unknown as Vector
  })
  return [
    '# Lints of policies and trust files',
    '',
    'Generated from `src/core/policy/lint` by `node scripts/docs.ts`. `sallyport policy check` looks for these. A warning is most',
    'likely a mistake, a note is worth knowing; `--strict` lets warnings fail, `--ignore CODE` leaves one out. The requirements are',
    'those of [docs/requirements.md](../requirements.md). The examples are the ones of the tests.',
    '',
    '| lint | what | severity | requirements |',
    '| --- | --- | --- | --- |',
    ...lints.map(row),
    '',
    ...lints.flatMap((lint) =>
      section(
        lint,
        vectors.find((one) => one.lint === lint.code),
      ),
    ),
    ...pipelines(),
  ].join('\n')
}

function section({ code, why }: Lint, vector: Vector | undefined): readonly string[] {
  if (vector === undefined) throw new TypeError(`${code} has no example`)
  return [
    `## ${code}`,
    '',
    `${catalogue[code].title}. ${why}`,
    '',
    'It finds:',
    '',
    ...block(vector.bad, vector.good),
    'It does not find:',
    '',
    ...block(vector.good, vector.bad),
  ]
}

/** Only what differs between the two is shown. */
function block(example: Example, other: Example): readonly string[] {
  const [policy] = example.policies ?? []
  const same = JSON.stringify(example.policies) === JSON.stringify(other.policies)
  const parts = [
    ...(policy === undefined || same ? [] : [policy.trimEnd()]),
    ...(example.signers === undefined || example.signers === other.signers
      ? []
      : [`signers:\n${example.signers.trimEnd().replace(/^(?=.)/gm, '  ')}`]),
  ]
  const count = same ? 1 : (example.policies?.length ?? 1)
  const note =
    count > 1
      ? [`# and ${count - 1} more policies, ${isSame(example) ? 'all alike' : 'with lower levels'}`]
      : []
  const text = parts.length === 0 ? ['# as above, with the signers that it had'] : parts
  return ['```yaml', ...text.flatMap((part) => part.split('\n')), ...note, '```', '']
}

function isSame({ policies = [] }: Example): boolean {
  return new Set(policies).size === 1
}

/** What `sallyport policy lint-pipeline` looks for. */
function pipelines(): readonly string[] {
  const folder = 'test/vectors/pipeline-lint'
  const vectors = readdirSync(folder).map((file) => {
    const { value } = parseYaml(readFileSync(`${folder}/${file}`), { file })
    return value as unknown as { lint: string; bad: readonly string[]; good: readonly string[] }
  })
  return [
    '# Lints of pipelines',
    '',
    '`sallyport policy lint-pipeline FILES` looks for these in GitHub workflows and GitLab pipelines. It reads the files alone: what they',
    'include, call or extend is not followed, and YAML anchors and tags are refused rather than guessed.',
    '',
    '| lint | what | severity | requirements |',
    '| --- | --- | --- | --- |',
    ...pipelineLints.map(row),
    '',
    ...pipelineLints.flatMap(({ code, why }) => {
      const found = vectors.filter(({ lint }) => lint === code)
      return [
        `## ${code}`,
        '',
        `${catalogue[code].title}. ${why}`,
        '',
        'It finds:',
        '',
        ...found.flatMap(({ bad }) => fence(bad[0] ?? '')),
        'It does not find:',
        '',
        ...found.flatMap(({ good }) => fence(good[0] ?? '')),
      ]
    }),
  ]
}

function row({ code, severity, entries }: Lint | PipelineLint): string {
  return `| [\`${code}\`](#${code.toLowerCase()}) | ${catalogue[code].title} | ${severity} | ${entries.join(', ')} |`
}

function fence(text: string): readonly string[] {
  return ['```yaml', ...text.trimEnd().split('\n'), '```', '']
}
