import { quote } from '#error'
import { waysOf, type Trust } from '#trust'
import { type Lint } from '../lint.ts'

export const ownerAlike: Lint = {
  code: 'LINT_OWNER_ALIKE',
  severity: 'warning',
  entries: ['KEY-09'],
  why: 'Thresholds and counts count owners by name. One person under two spellings counts twice, and meets a threshold of two alone.',
  find: ({ trust }) => {
    const seen = new Map<string, string>()
    return ownersIn(trust).flatMap(({ owner, where }) => {
      const plain = plainName(owner)
      const earlier = seen.get(plain)
      if (earlier === undefined) seen.set(plain, owner)
      if (earlier === undefined || earlier === owner) return []
      seen.set(plain, owner)
      return [
        {
          where,
          expected: 'one spelling for each owner',
          found: `${quote(owner, 80)} and ${quote(earlier, 80)}`,
          fix: `Write ${quote(earlier, 80)} in both places of ${trust.file} if they are one person; else use names that differ`,
        },
      ]
    })
  },
}

function ownersIn({ signers }: Trust) {
  return [...signers.values()].flatMap(waysOf)
}

/** What is left of a name without what people write now so, now so: case, marks, a mail domain. */
function plainName(owner: string): string {
  const plain = owner
    .normalize('NFKD')
    .toLowerCase()
    .replace(/@.*$/s, '')
    .replace(/[^\p{L}\p{N}]/gu, '')
  return plain === '' ? owner : plain
}
