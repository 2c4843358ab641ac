import { isProduction, type Lint, remarkRules } from '../lint.ts'

const workstations = 'https://sallyport.dev/builders/workstation-'

export const workstation: Lint = {
  code: 'LINT_WORKSTATION',
  severity: 'warning',
  entries: ['LNT-14'],
  why: "A workstation belongs to the person who builds: its provenance proves what that person's machine says, SLSA Build level 1. Whoever controls the machine controls what runs in production.",
  find: (input) =>
    remarkRules(input, 'built', ({ bound: { place, parameters } }, policy) => {
      if (!isProduction(policy)) return []
      return parameters.by.flatMap((name, index) => {
        const builders = input.trust.signers.get(name)?.builders.keys() ?? []
        const found = [...builders].find((id) => id.startsWith(workstations))
        if (found === undefined) return []
        return [
          {
            where: place.at(`by.${index}`),
            expected: 'builders that nobody works on, where production is concerned',
            found: `${name}, which speaks for ${found}`,
            fix: `Build releases with a hosted builder, and remove ${name} from "by" at ${place.line('by')}`,
          },
        ]
      })
    }),
}
