import { quote, type Problem } from '#error'
import type { Exemption } from '../policy.ts'

interface Entry {
  readonly rule: string
  readonly reason: string
  readonly owner: string
  readonly since?: string | undefined
  readonly expires: string
}

/** Finds the one rule that each exemption means; none and several are problems, never guesses. */
export function bindExemptions(
  entries: readonly Entry[],
  ids: readonly string[],
  locate: (index: number) => string,
  problems: Problem[],
): readonly Exemption[] {
  const bound = entries.flatMap((entry, index): Exemption[] => {
    const where = locate(index)
    const meant = ids.filter((id) => id === entry.rule || id.endsWith(`].${entry.rule}`))
    const [rule] = meant
    if (rule === undefined || meant.length > 1) {
      problems.push(notOne(entry.rule, meant, ids, where))
      return []
    }
    const { reason, owner, since, expires } = entry
    const from = since === undefined ? {} : { since: new Date(since) }
    return [{ rule, reason, owner, ...from, expires: new Date(expires), where }]
  })
  const twice = bound.find(({ rule }, index) => bound.findIndex((one) => one.rule === rule) < index)
  if (twice !== undefined) {
    problems.push({
      code: 'POLICY_EXEMPTION',
      where: twice.where,
      expected: 'one exemption for each rule',
      found: `a second one for ${twice.rule}`,
      fix: 'Remove one of the two; keep the one that is meant',
    })
  }
  return bound
}

function notOne(
  rule: string,
  meant: readonly string[],
  ids: readonly string[],
  where: string,
): Problem {
  return {
    code: 'POLICY_EXEMPTION',
    where,
    expected: `one rule of this policy: ${ids.join(', ')}`,
    found:
      meant.length === 0
        ? `${quote(rule)}, which it does not have`
        : `${quote(rule)}, which is ${meant.join(' and ')}`,
    fix:
      meant.length === 0
        ? 'Name a rule of "require", or remove the exemption'
        : `Write which one is meant, such as \`rule: ${meant[0] ?? ''}\``,
  }
}
