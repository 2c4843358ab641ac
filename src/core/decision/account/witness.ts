import type { Fact } from '#trust'

/** Long identifiers that `--json` has, and that nobody compares by eye. */
const unsaid = new Set(['signer', 'signer.keyid', 'builder.id', 'buildType', 'invocationId'])

/** Who said it, and what of it a reader wants to see. */
export function witnessOf(facts: readonly Fact[], rule: string): string {
  const signers = facts.flatMap(({ name, value }) => (name === 'signer' ? [String(value)] : []))
  const values = new Map<string, string[]>()
  for (const { name, value } of facts) {
    if (unsaid.has(name) || (name === 'artifact.name' && rule !== 'artifacts')) continue
    values.set(name, [...(values.get(name) ?? []), String(value)])
  }
  const said = [...values].map(([name, all]) => `${name} ${all.join(', ')}`)
  return [[...new Set(signers)].join(', '), said.join(' · ')]
    .filter((part) => part !== '')
    .join(': ')
}
