import { waysOf, type Signer } from '#trust'
import { type Lint } from '../lint.ts'

export const signerEnded: Lint = {
  code: 'LINT_SIGNER_ENDED',
  severity: 'warning',
  entries: ['KEY-11'],
  why: 'No key, identity or certificate name of the signer can be believed now: the rules that name nobody else can never be satisfied by a new artifact.',
  find: ({ trust, now }) =>
    [...trust.signers.values()]
      .filter((signer) => !isAlive(signer, now))
      .map(({ name, where }) => ({
        where: `${where} signers.${name}`,
        expected: `a key, identity or certificate name of ${name} that is good at ${now.toISOString()}`,
        found: 'none: all of them are over, retired, compromised, or not valid yet',
        fix: `Have the owner of ${name} make a new key and write it into ${trust.file}, or remove the signer`,
      })),
}

function isAlive(signer: Signer, now: Date): boolean {
  return waysOf(signer).some((one) => {
    const { validFrom, validUntil, compromisedSince } = one
    const retired = 'retired' in one ? one.retired : undefined
    const ends = [validUntil, retired, compromisedSince]
    const begun = validFrom === undefined || validFrom <= now
    return begun && ends.every((end) => end === undefined || now < end)
  })
}
