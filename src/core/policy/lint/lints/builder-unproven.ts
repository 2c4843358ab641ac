import { quote } from '#error'
import { type Lint } from '../lint.ts'

export const builderUnproven: Lint = {
  code: 'LINT_BUILDER_UNPROVEN',
  severity: 'warning',
  entries: ['LNT-16', 'LNT-21'],
  why: 'The certificate says which workflow signed, and the provenance says another builder. With `notInCertificateUnsafe` the provenance is believed: whatever the workflow writes there.',
  find: ({ trust }) =>
    [...trust.signers.values()].flatMap(({ claimedBuilders, builderPrefixes, name, where }) =>
      [
        ...claimedBuilders,
        ...builderPrefixes.flatMap(({ prefix, isClaimed }) => (isClaimed ? [`${prefix}…`] : [])),
      ].map((id) => ({
        where: `${where} signers.${name}`,
        expected: 'builder ids that the certificate of the signer confirms',
        found: `${quote(id)} with "notInCertificateUnsafe: true"`,
        fix: `Use the builder id that the certificates of ${name} name, and remove "notInCertificateUnsafe"`,
      })),
    ),
}
