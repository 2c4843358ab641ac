import { z } from 'zod'

/** A span of time as a policy writes it. */
export interface Duration {
  readonly text: string
  readonly milliseconds: number
}

const units: Readonly<Record<string, number>> = {
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}
const longest = 3650 * 86_400_000

/** `90d`, `4h`, `2w`, `30m`: a whole number and one unit, more than nothing, at most ten years. */
export const durationSchema = z
  .string()
  .regex(/^[1-9]\d{0,6}[mhdw]$/, 'a span of time such as 90d, 4h or 30m')
  .transform((text): Duration => {
    const milliseconds = Number(text.slice(0, -1)) * (units[text.at(-1) ?? ''] ?? 0)
    return { text, milliseconds }
  })
  .refine(({ milliseconds }) => milliseconds <= longest, 'at most 3650d')
