import type { Oid } from '../der/values.ts'
import { refuse } from '../problem.ts'
import { parseCertificate } from '../x509/certificate.ts'
import { basicConstraintsOf, purposes } from '../x509/extensions.ts'
import {
  authorityFault,
  hasSigned,
  issuerOf,
  timestampSignerFault,
  type Fault,
  type Issuer,
} from '../x509/issuer.ts'
import { decodeBase64, inRoot, readWindow, repair } from './field.ts'
import type { WrittenAuthority } from './schema.ts'
import type { CertificateAuthority, TimestampAuthority } from './trusted-root.ts'

/** Reads a certificate authority: every certificate of its chain is an authority, and each has signed the one before. */
export function readCertificateAuthority(
  written: WrittenAuthority,
  where: string,
): CertificateAuthority {
  const [first, ...above] = readChain(written, where)
  if (first === undefined) throw broken(where, { expected: 'a certificate', found: 'none' })
  const chain = [first, ...above] as const
  checkAuthorities(chain, purposes.codeSigning)
  checkLinks(chain)
  return { ...commonOf(written, where), chain }
}

/** Reads a time-stamping authority: as above, with its signer in front or not. */
export function readTimestampAuthority(
  written: WrittenAuthority,
  where: string,
): TimestampAuthority {
  const all = readChain(written, where)
  const [first, ...rest] = all
  const signer = first !== undefined && isEndEntity(first) ? first : undefined
  const chain = signer === undefined ? all : rest
  if (signer !== undefined) {
    report(signer, () => timestampSignerFault(signer.certificate))
  }
  checkAuthorities(chain, purposes.timeStamping)
  checkLinks(all)
  return { ...commonOf(written, where), chain, ...(signer === undefined ? {} : { signer }) }
}

function readChain({ certChain }: WrittenAuthority, where: string): readonly Issuer[] {
  return certChain.certificates.map(({ rawBytes }, index) => {
    const place = `${where}.certChain.certificates[${index}]`
    const der = decodeBase64(rawBytes, place)
    return inRoot('SIGSTORE_ROOT_CHAIN', () => issuerOf(parseCertificate(der, place)))
  })
}

function commonOf(
  { uri = '', operator = '', validFor }: WrittenAuthority,
  where: string,
): Pick<CertificateAuthority, 'uri' | 'operator' | 'validFor'> {
  const window = readWindow(validFor, `${where}.validFor`)
  return { uri, operator: operator === '' ? uri : operator, validFor: window }
}

function isEndEntity({ certificate }: Issuer): boolean {
  return inRoot('SIGSTORE_ROOT_CHAIN', () => !basicConstraintsOf(certificate).isAuthority)
}

function checkAuthorities(chain: readonly Issuer[], purpose: Oid): void {
  for (const [below, issuer] of chain.entries()) {
    report(issuer, () => authorityFault(issuer.certificate, purpose, below))
  }
}

function checkLinks(chain: readonly Issuer[]): void {
  for (const [index, issuer] of chain.entries()) {
    const issued = index === 0 ? undefined : chain[index - 1]
    if (issued === undefined) continue
    report(issued, () =>
      hasSigned(issuer, issued.certificate)
        ? undefined
        : { expected: 'the signature of the next certificate in the chain', found: 'another' },
    )
  }
}

function report({ certificate }: Issuer, check: () => Fault | undefined): void {
  const fault = inRoot('SIGSTORE_ROOT_CHAIN', check)
  if (fault !== undefined) throw broken(certificate.where, fault)
}

function broken(where: string, { expected, found }: Fault): Error {
  return refuse('SIGSTORE_ROOT_CHAIN', where, expected, found, repair)
}
