import { fetchAgain, refuse } from '../problem.ts'
import type { SignerTime } from '../time/trusted-time.ts'
import {
  describeWindow,
  isWithin,
  type CertificateAuthority,
  type TrustedRoot,
} from '../root/trusted-root.ts'
import type { Certificate } from './certificate.ts'
import { describeName } from './describe-name.ts'
import { hasSigned, type Issuer } from './issuer.ts'

/**
 * Finds the authority of the root that has issued a certificate. Several may bear one name, so a signature decides;
 * several may bear one key, for several periods, so all of them are returned.
 *
 * @throws SallyportError SIGSTORE_CHAIN
 */
export function findAuthorities(
  leaf: Certificate,
  root: TrustedRoot,
): readonly [CertificateAuthority, ...CertificateAuthority[]] {
  // One key is asked once, however often the root lists it.
  const asked: { readonly issuer: Issuer; readonly answer: boolean }[] = []
  const [first, ...others] = root.certificateAuthorities.filter(({ chain: [issuer] }) => {
    const known = asked.find((one) => isSameIssuer(one.issuer, issuer))
    if (known !== undefined) return known.answer
    const answer = hasSigned(issuer, leaf)
    asked.push({ issuer, answer })
    return answer
  })
  if (first !== undefined) return [first, ...others]
  const trusted = root.certificateAuthorities.map(({ chain: [issuer] }) =>
    describeName(issuer.certificate.subject),
  )
  throw refuse(
    'SIGSTORE_CHAIN',
    leaf.where,
    trusted.length === 0
      ? `a certificate by an authority of ${root.file}, which lists none`
      : `a certificate signed by ${[...new Set(trusted)].join(' or ')} of ${root.file}`,
    `a certificate by ${describeName(leaf.issuer)} that none of their keys has signed`,
    'Verify with the trusted root of the Sigstore instance that issued the certificate, or refuse the artifact',
  )
}

function isSameIssuer(a: Issuer, b: Issuer): boolean {
  return a.keyHash.equals(b.keyHash) && a.certificate.subject.equals(b.certificate.subject)
}

/**
 * Checks that certificate and authority were good at every trusted time, and returns the authority for which they were.
 *
 * @throws SallyportError SIGSTORE_CERTIFICATE_TIME
 */
export function checkTimes(
  leaf: Certificate,
  authorities: readonly [CertificateAuthority, ...CertificateAuthority[]],
  times: readonly SignerTime[],
): CertificateAuthority {
  for (const { time, source } of times) {
    const window = { start: leaf.notBefore, end: leaf.notAfter }
    if (!isWithin(window, time)) {
      throw outside(leaf.where, `a signature ${describeWindow(window)}`, time, source)
    }
  }
  const good = authorities.find((authority) =>
    times.every(({ time }) => isAuthorityGood(authority, time)),
  )
  if (good !== undefined) return good
  const [{ chain, validFor, uri }] = authorities
  const bad = times.find(({ time }) => !authorities.some((one) => isAuthorityGood(one, time)))
  const { time, source } = bad ?? { time: leaf.notBefore, source: 'the trusted times together' }
  const until = Math.min(...chain.map(({ certificate }) => certificate.notAfter))
  const expected = `a signature while the authority ${uri} was good (${describeWindow(validFor)}, its certificates until ${new Date(until).toISOString()})`
  throw outside(leaf.where, expected, time, source)
}

function isAuthorityGood({ chain, validFor }: CertificateAuthority, time: number): boolean {
  return (
    isWithin(validFor, time) &&
    chain.every(({ certificate: { notBefore: start, notAfter: end } }) =>
      isWithin({ start, end }, time),
    )
  )
}

function outside(where: string, expected: string, time: number, source: string): Error {
  const found = `one at ${new Date(time).toISOString()}, says ${source}`
  return refuse('SIGSTORE_CERTIFICATE_TIME', where, expected, found, fetchAgain)
}
