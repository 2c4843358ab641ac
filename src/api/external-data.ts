import { z } from 'zod'

/** The protocol of OPA Gatekeeper's external data providers, as its own types have it. */
const apiVersion = z.literal('externaldata.gatekeeper.sh/v1beta1')

export const providerRequestSchema = z.strictObject({
  apiVersion,
  kind: z.literal('ProviderRequest'),
  request: z.strictObject({
    keys: z
      .array(z.string().max(1500).describe('`environment|service|image`, the image by digest'))
      .max(64),
  }),
})

export const providerResponseSchema = z.strictObject({
  apiVersion,
  kind: z.literal('ProviderResponse'),
  response: z.strictObject({
    idempotent: z
      .literal(false)
      .describe('the same question may have another answer later: not for mutation'),
    items: z.array(
      z.union([
        z.strictObject({
          key: z.string(),
          value: z.strictObject({
            verdict: z.string(),
            effect: z.string(),
            entry: z
              .int()
              .min(0)
              .optional()
              .describe('where the decision stands in the log; absent while it is spooled'),
          }),
        }),
        z.strictObject({ key: z.string(), error: z.string().describe('why it may not run') }),
      ]),
    ),
    systemError: z.string().optional().describe('why nothing could be told'),
  }),
})

export type ProviderResponse = z.output<typeof providerResponseSchema>
export type ProviderItem = ProviderResponse['response']['items'][number]
