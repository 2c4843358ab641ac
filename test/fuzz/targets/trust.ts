import { SallyportError } from '#error'
import type { JsonObject } from '#document'
import { createVerifier, isVerified, parseTrust, trustedRootFiles } from '#trust'
import { parseBody } from '../../../src/core/trust/sigstore/log/body.ts'
import { readPkcs1, readSpki } from '../../../src/core/trust/sigstore/keys/public-key.ts'
import { parseTrustedRoot } from '../../../src/core/trust/sigstore/root/parse.ts'
import { parseTimestamp } from '../../../src/core/trust/sigstore/time/timestamp-token.ts'
import { parseCertificate } from '../../../src/core/trust/sigstore/x509/certificate.ts'
import * as extensions from '../../../src/core/trust/sigstore/x509/extensions.ts'
import { purposes } from '../../../src/core/trust/sigstore/x509/extensions.ts'
import { fulcioClaimsOf } from '../../../src/core/trust/sigstore/x509/fulcio.ts'
import {
  issuerOf,
  authorityFault,
  codeSignerFault,
  timestampSignerFault,
} from '../../../src/core/trust/sigstore/x509/issuer.ts'
import { readPublicKey } from '../../../src/core/trust/public-key.ts'
import { readSigned } from '../../../src/core/trust/signed.ts'
import { at, vectors } from '../corpus.ts'
import { keylessWorld } from '../decision/worlds.ts'
import type { Target } from '../target.ts'

/** What lies in the base64 of a value, at fields of this name. */
function hidden(value: unknown, field: string): readonly Buffer[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, item]) =>
    key === field && typeof item === 'string' ? [Buffer.from(item, 'base64')] : hidden(item, field),
  )
}

const world = keylessWorld()
const root: unknown = JSON.parse(world.roots['trusted_root.json'] ?? '{}')
const bundles = world.items.map((text) => JSON.parse(text) as JsonObject)
const isCertificate = (der: Buffer): boolean => der[0] === 0x30 && der.length > 200
const certificates = (): readonly Buffer[] =>
  [...hidden(root, 'rawBytes'), ...bundles.flatMap((one) => hidden(one, 'rawBytes'))].filter(
    isCertificate,
  )
const keys = (): readonly Buffer[] => hidden(root, 'rawBytes').filter((der) => !isCertificate(der))
const attestations = (): readonly Buffer[] => [
  ...at(vectors('trust'), 'attestation'),
  ...world.items.map((text) => Buffer.from(text)),
]

const trusts = new Map(
  vectors('trust').flatMap((vector) => {
    const files = Object.entries((vector['roots'] ?? {}) as Record<string, string>)
    const roots = new Map(files.map(([name, text]) => [name, Buffer.from(text)]))
    try {
      const trust = parseTrust(Buffer.from(vector['trust'] as string), {
        file: 'trust.yaml',
        roots,
      })
      return [[trust.digest, trust]] as const
    } catch {
      return []
    }
  }),
)
/** Payloads that the signers of the vectors have signed. */
const said = new Set(attestations().flatMap((bytes) => messageOf(bytes)))
const now = new Date('2026-06-01T00:00:00Z')

function messageOf(bytes: Buffer): string[] {
  try {
    return [Buffer.from(readSigned(bytes).message).toString('base64')]
  } catch {
    return []
  }
}

export const trustTargets: readonly Target[] = [
  {
    name: 'trust.parseTrust',
    covers: ['#trust.parseTrust'],
    form: 'json',
    seeds: () => at(vectors('trust'), 'trust'),
    run: (input) => {
      trustedRootFiles(input, { file: 'trust.yaml' })
      parseTrust(input, {
        file: 'trust.yaml',
        roots: new Map(
          Object.entries(world.roots).map(([name, text]) => [name, Buffer.from(text)]),
        ),
      })
    },
  },
  {
    name: 'trust.verifyAttestation',
    covers: [],
    form: 'json',
    seeds: attestations,
    run: (input) => {
      for (const trust of [...trusts.values()].slice(input.length % 4, (input.length % 4) + 3)) {
        const result = createVerifier(trust, { rememberBytes: 0 }).open(input).verify(now)
        if (!isVerified(result)) {
          for (const { code, found } of result.problems)
            if (code === 'EVIDENCE_CHECK_FAILED' || code === 'SIGSTORE_CHECK_FAILED')
              throw new Error(`unforeseen: ${found}`)
          continue
        }
        if (!messageOf(input).every((message) => said.has(message))) throw new Error('forged')
      }
    },
  },
  {
    name: 'trust.readPublicKey',
    covers: [],
    form: 'text',
    seeds: () => keys().map((der) => Buffer.from(pem(der))),
    run: (input) => readPublicKey(input.toString(), 'fuzz'),
  },
  {
    name: 'trust.readSpki',
    covers: [],
    form: 'der',
    seeds: keys,
    run: (input) => readSpki(input, 'fuzz'),
  },
  {
    name: 'trust.readPkcs1',
    covers: [],
    form: 'der',
    seeds: () => [
      Buffer.concat([
        Buffer.from('3082010a0282010100c3', 'hex'),
        Buffer.alloc(254, 0xa5),
        Buffer.from('01020301', 'hex'),
        Buffer.from('0001', 'hex'),
      ]),
    ],
    run: (input) => readPkcs1(input, 'fuzz'),
  },
  {
    name: 'trust.parseTrustedRoot',
    covers: [],
    form: 'json',
    seeds: () => [Buffer.from(JSON.stringify(root))],
    run: (input) => parseTrustedRoot(input, { file: 'fuzz' }),
  },
  {
    name: 'trust.parseCertificate',
    covers: [],
    form: 'der',
    seeds: certificates,
    run: (input) => {
      const certificate = parseCertificate(input, 'fuzz')
      for (const read of [
        extensions.unknownCritical,
        extensions.keyUsageOf,
        extensions.basicConstraintsOf,
        extensions.purposesOf,
        extensions.subjectKeyIdOf,
        extensions.authorityKeyIdOf,
        extensions.subjectNameOf,
        fulcioClaimsOf,
        codeSignerFault,
        timestampSignerFault,
        issuerOf,
      ]) {
        refusing(() => read(certificate))
      }
      refusing(() => authorityFault(certificate, purposes.codeSigning, 0))
    },
  },
  {
    name: 'trust.parseTimestamp',
    covers: [],
    form: 'der',
    seeds: () => bundles.flatMap((one) => hidden(one, 'signedTimestamp')),
    run: (input) => parseTimestamp(input, 'fuzz'),
  },
  {
    name: 'trust.parseBody',
    covers: [],
    form: 'json',
    seeds: () => bundles.flatMap((one) => hidden(one, 'canonicalizedBody')),
    run: (input) => {
      const { kind, apiVersion } = versionOf(input)
      parseBody(input, { kind, version: apiVersion }, 'fuzz')
    },
  },
]

function versionOf(input: Buffer): { kind: string; apiVersion: string } {
  try {
    const { kind, apiVersion } = JSON.parse(input.toString()) as Record<string, unknown>
    return { kind: String(kind), apiVersion: String(apiVersion) }
  } catch {
    return { kind: 'dsse', apiVersion: '0.0.1' }
  }
}

function pem(der: Buffer): string {
  return `-----BEGIN PUBLIC KEY-----\n${der.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END PUBLIC KEY-----\n`
}

/** Each reader refuses by itself, so that the next one is tried as well. */
function refusing(read: () => unknown): void {
  try {
    read()
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error
  }
}
