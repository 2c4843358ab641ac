import { quote } from '#error'
import { waysOf, type Way } from '#trust'
import { type Lint } from '../lint.ts'

export const keyEndless: Lint = {
  code: 'LINT_KEY_ENDLESS',
  severity: 'warning',
  entries: ['KEY-11'],
  why: 'A key without an end is never replaced until it is stolen, and a copy that somebody took years ago still signs; an identity or a name without one is believed long after the team that had it is gone. An end makes the change ordinary.',
  find: ({ trust }) =>
    [...trust.signers.values()].flatMap(waysOf).flatMap((way) => {
      if (endOf(way) !== undefined) return []
      const { signer, where } = way
      return [
        {
          where: `${where} signers.${signer}`,
          expected: `${kindOf(way)} with "validUntil"`,
          found: `${nameOf(way)} of ${signer}, which never ends`,
          fix: `Write "validUntil", a year from now at most, at ${where}, and plan who looks at it then`,
        },
      ]
    }),
}

function endOf(way: Way): Date | undefined {
  return way.validUntil ?? way.compromisedSince ?? ('retired' in way ? way.retired : undefined)
}

function kindOf(way: Way): string {
  if ('keyid' in way) return 'a key'
  return 'match' in way ? 'an identity' : 'a certificate name'
}

function nameOf(way: Way): string {
  if ('keyid' in way) return `key ${way.keyid.slice(0, 16)}…`
  return 'match' in way ? `an identity in ${way.root}` : `the name ${quote(way.value, 120)}`
}
