import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseYaml } from '#document'
import { parseTrust } from '#trust'
import { z } from 'zod'
import { makeKey } from '../../../trust/testing/fixtures.ts'
import { authority } from '../../../trust/sigstore/testing/certificates.ts'
import { bytesOf, createInstance, rootJson } from '../../../trust/sigstore/testing/instance.ts'
import { parsePolicies } from '../../index.ts'
import type { LintInput } from '../lint.ts'

const example = z.strictObject({
  /** Policies from `require` on; each decides about a service of its own in prod. */
  policies: z.array(z.string()).default(['require:\n  - signed: {by: [ci]}\n']),
  /** Entries of `signers`; `<key 1>` stands for a public key, and `acme` is a private authority. */
  signers: z.string().optional(),
  /** More of the trust file's metadata. */
  expires: z.string().optional(),
})

const schema = z.strictObject({
  lint: z.string(),
  bad: example,
  good: example,
})

export type LintVector = z.output<typeof schema>
export type LintExample = z.output<typeof example>

export const lintVectorFolder = join(import.meta.dirname, '../../../../../test/vectors/policy-lint')

/** Each lint with one rulebook in which it finds something, and one in which it does not. */
export function lintVectors(): readonly LintVector[] {
  return readdirSync(lintVectorFolder).map((file) => {
    const bytes = readFileSync(join(lintVectorFolder, file))
    return schema.parse(parseYaml(bytes, { file }).value)
  })
}

const keys = [1, 2, 3, 4].map(() => makeKey().publicPem.trim())
const decade = {
  notBefore: new Date('2026-01-01T00:00:00Z'),
  notAfter: new Date('2036-01-01T00:00:00Z'),
}
const { certificate } = authority('acme root', decade)
const pem = `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64')}\n-----END CERTIFICATE-----\n`
const root = bytesOf(rootJson(createInstance()))

const usual = `
ci:
  owner: platform
  keys: [{publicKey: <key 1>, validFrom: 2026-01-01T00:00:00Z, validUntil: 2027-01-01T00:00:00Z}]
  predicateTypes: [https://slsa.dev/provenance/v1]
  builders: [{id: https://build.example/hosted/v1, level: 3}]
approvers:
  owner: release
  keys: [{publicKey: <key 2>, validFrom: 2026-01-01T00:00:00Z, validUntil: 2027-01-01T00:00:00Z}]
  predicateTypes: [https://sallyport.dev/attestation/approval/v1]
`

/** What lints look at, from an example. */
export function inputOf({ policies, signers = usual, expires }: LintExample): LintInput {
  const files = policies.map((text, index) => ({
    file: `policies/${index}.yaml`,
    bytes: Buffer.from(`apiVersion: sallyport.dev/v1
kind: DeploymentPolicy
metadata: {name: shop-${index}, owner: team-shop}
targets: [{environment: prod, service: shop-${index}}]
${text}`),
  }))
  const trust = `apiVersion: sallyport.dev/v1
kind: Trust
metadata: {name: default, owner: security${expires === undefined ? '' : `, expires: ${expires}`}}
sigstore: {public: {trustedRoot: trusted_root.json}}
x509: {acme: {roots: ${JSON.stringify(pem)}, extendedKeyUsage: clientAuth}}
signers:
${signers.replace(/^(?=.)/gm, '  ')}`.replace(/<key (\d)>/g, (_, n: string) =>
    JSON.stringify(keys[Number(n) - 1]),
  )
  return {
    policies: parsePolicies(files),
    trust: parseTrust(Buffer.from(trust), {
      file: 'trust.yaml',
      roots: new Map([['trusted_root.json', root]]),
    }),
    now: new Date('2026-06-01T12:00:00Z'),
  }
}
