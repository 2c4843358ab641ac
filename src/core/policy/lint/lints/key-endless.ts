import { type Lint } from '../lint.ts'

export const keyEndless: Lint = {
  code: 'LINT_KEY_ENDLESS',
  severity: 'warning',
  entries: ['KEY-11'],
  why: 'A key without an end is never replaced until it is stolen, and a copy that somebody took years ago still signs. An end makes the change of keys ordinary.',
  find: ({ trust }) =>
    [...trust.keys.values()]
      .filter(
        ({ validUntil, retired, compromisedSince }) =>
          (validUntil ?? retired ?? compromisedSince) === undefined,
      )
      .map(({ signer, keyid, where }) => ({
        where: `${where} signers.${signer}`,
        expected: 'a key with "validUntil"',
        found: `key ${keyid.slice(0, 16)}… of ${signer}, which never ends`,
        fix: `Write "validUntil", a year from now at most, at ${where}, and plan the next key`,
      })),
}
