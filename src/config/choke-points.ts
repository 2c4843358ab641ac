import { z } from 'zod'

const name = z.string().min(1).max(200)

/** Through which points everything reaches a target: nothing else may let anything in there. */
export const chokePointsSchema = z
  .array(
    z.strictObject({
      environment: name,
      // Left out: every service of the environment.
      service: name.optional(),
      through: z
        .array(name)
        .min(1, 'at least one choke point')
        .max(16)
        .describe(
          'admission, oci-proxy, npm-proxy, ci, api, or how this place calls itself (chokePoint)',
        ),
    }),
  )
  .max(10_000)
  .default([])

/** What is declared about one environment, or one service in it. */
export interface ChokePointsConfig {
  readonly environment: string
  readonly service?: string
  readonly through: readonly string[]
}

export function chokePointsOf(
  declared: z.output<typeof chokePointsSchema>,
): readonly ChokePointsConfig[] {
  return declared.map(({ environment, service, through }) => ({
    environment,
    ...(service === undefined ? {} : { service }),
    through,
  }))
}
