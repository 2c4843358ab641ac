import { type Lint, rulesOf } from '../lint.ts'

/** With fewer policies it may well be that all of them matter equally. */
const enough = 3

export const levelEverywhere: Lint = {
  code: 'LINT_LEVEL_EVERYWHERE',
  severity: 'note',
  entries: ['LNT-09'],
  why: 'The effort for the highest level belongs where a compromise does the most damage. When everything needs it, nothing was weighed, and what matters gets it last.',
  find: ({ policies: { policies } }) => {
    const levels = policies.map((policy) => ({
      policy,
      level: Math.max(
        0,
        ...rulesOf(policy, 'built', 'minimumLevel').map(({ parameters }) =>
          Number(parameters['level']),
        ),
      ),
    }))
    const [first] = levels
    if (first === undefined || policies.length < enough) return []
    if (levels.some(({ level }) => level < 3)) return []
    return [
      {
        where: `${first.policy.line('require')} require`,
        expected: 'levels that differ with the damage that a compromise would do',
        found: `SLSA Build level 3 in all ${policies.length} policies`,
        fix: 'Demand less where little can go wrong, and write down beside "targets" why the others need level 3',
      },
    ]
  },
}
