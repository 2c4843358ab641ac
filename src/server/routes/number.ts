import type { z } from 'zod'
import { SallyportError } from '#error'
import type { Call } from './route.ts'

/**
 * A number among the parameters of a request; undefined when it is not there.
 *
 * @throws SallyportError REQUEST_PARAMETER
 */
export function numberOf(call: Call, name: string, schema: z.ZodType<number>): number | undefined {
  const text = call.req.query(name)
  return text === undefined ? undefined : checkNumber(text, name, schema)
}

function checkNumber(text: string, name: string, schema: z.ZodType<number>): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  const { success, data } = schema.safeParse(value)
  if (success) return data
  throw new SallyportError({
    code: 'REQUEST_PARAMETER',
    where: name,
    expected: 'a whole number in the range that /openapi.json tells',
    found: text.slice(0, 40),
    fix: `Correct "${name}"`,
  })
}
