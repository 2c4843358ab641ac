import { z } from 'zod'

const time = z.iso.datetime({
  offset: true,
  error: 'a time with zone such as 2026-01-01T00:00:00Z (RFC 3339)',
})
// A missing start is refused: trust that has always been there is never meant.
const timeRange = z.strictObject({ start: time, end: time.optional() })
const base64 = z.string().min(1).max(65_536)
const url = z.string().min(1).max(2000)
const operator = z.string().max(200).optional()
const logId = z.strictObject({ keyId: base64 })

const log = z.strictObject({
  baseUrl: url,
  hashAlgorithm: z.literal('SHA2_256'),
  publicKey: z.strictObject({
    rawBytes: base64,
    keyDetails: z.string().max(80),
    validFor: timeRange,
  }),
  logId,
  checkpointKeyId: logId.optional(),
  operator,
})

const authority = z.strictObject({
  subject: z
    .strictObject({ organization: z.string().optional(), commonName: z.string().optional() })
    .optional(),
  uri: z.string().max(2000).optional(),
  certChain: z.strictObject({
    certificates: z
      .array(z.strictObject({ rawBytes: base64 }))
      .min(1, 'at least one certificate')
      .max(10),
  }),
  validFor: timeRange,
  operator,
})

const logs = z.array(log).max(64).default([])
const authorities = z.array(authority).max(64).default([])

export const mediaTypes = [
  'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
  'application/vnd.dev.sigstore.trustedroot.v0.1+json',
  'application/vnd.dev.sigstore.trustedroot+json;version=0.2',
  'application/vnd.dev.sigstore.trustedroot.v0.2+json',
] as const

/** `trusted_root.json` as sigstore_trustroot.proto defines it, versions 0.1 and 0.2. */
export const trustedRootSchema = z.strictObject({
  mediaType: z.string(),
  tlogs: logs,
  certificateAuthorities: authorities,
  ctlogs: logs,
  timestampAuthorities: authorities,
})

export type WrittenLog = z.infer<typeof log>
export type WrittenAuthority = z.infer<typeof authority>
