import { z } from 'zod'

import { checkShape, parseJson } from '#document'
import { catalogue, type ProblemCode } from '#error'

import type { FromCell } from './cell/protocol.ts'

/** The longest line that a supervisor has a reason to send. */
export const maxMessage = 16 << 20

const text = z.string().max(64 * 1024)
const count = z.int().min(0)
const problem = z.strictObject({
  code: z.custom<ProblemCode>((code) => typeof code === 'string' && code in catalogue),
  where: text.exactOptional(),
  expected: text,
  found: text,
  fix: text,
})
const probe = z.strictObject({ name: text, expected: text, found: text, contained: z.boolean() })
const attempt = z.strictObject({
  protocol: z.enum(['tcp', 'udp', 'dns', 'other']),
  address: text.exactOptional(),
  port: count.max(65535).exactOptional(),
  name: text.exactOptional(),
  count,
})
const result = z.strictObject({
  ended: z.enum(['done', 'failed', 'timed-out', 'cancelled']),
  environment: z.record(text, z.string().max(1 << 20)),
  logTruncated: z.boolean(),
  exhausted: z.array(z.enum(['disk', 'inodes'])),
  attempts: z.array(attempt).max(16 * 1024),
  attemptsTruncated: z.boolean(),
  outputs: z.array(z.enum(['accepted', 'refused'])),
  refused: z.array(problem).max(1024),
  undeclared: z.array(text).max(1024),
})
const command = z.strictObject({
  exitCode: count.max(255).exactOptional(),
  signal: text.exactOptional(),
  durationMs: count,
})
const message: z.ZodType<FromCell> = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('place'), pid: count }),
  z.strictObject({ type: z.literal('probes'), probes: z.array(probe).max(1024) }),
  z.strictObject({ type: z.literal('log'), data: z.base64() }),
  z.strictObject({ type: z.literal('command'), command }),
  z.strictObject({ type: z.literal('result'), result }),
  z.strictObject({ type: z.literal('failure'), problems: z.array(problem).min(1).max(1024) }),
])

/** Reads a line of the supervisor. It is our own program, but it sits next to the build: nothing unexpected passes. */
export function readCellMessage(line: string): FromCell {
  const what = 'a message of the supervisor'
  return checkShape(message, parseJson(Buffer.from(line), { what, maxBytes: maxMessage }), { what })
}
