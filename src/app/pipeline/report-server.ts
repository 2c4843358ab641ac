import { encodeCanonical, parseJson, type Json } from '#document'
import { deployedSchema, type DeploymentAsk } from '#api'
import { SallyportError } from '#error'
import type { GateOptions, ServerPlace } from './options.ts'
import { post } from './post.ts'
import { addressOf, authoritiesOf } from './server-place.ts'
import { readToken } from './token.ts'

const timeoutMs = 30_000

/**
 * Tells a gate how a deployment has ended; gives the place of its entry.
 *
 * @throws SallyportError GATE_UNANSWERED
 */
export async function reportToServer(
  server: ServerPlace,
  report: DeploymentAsk,
  env: GateOptions['env'],
): Promise<number> {
  const url = addressOf(server.url, '/api/v1/deployments')
  const [token, ca] = await Promise.all([readToken(server.token, env), authoritiesOf(server)])
  const body = encodeCanonical(report as unknown as Json)
  const posted = await post(url, { token, body, timeoutMs, ...(ca === undefined ? {} : { ca }) })
  const entry = posted.status === 200 ? entryOf(posted.body) : undefined
  if (entry !== undefined) return entry
  throw new SallyportError({
    code: 'GATE_UNANSWERED',
    where: url.origin,
    expected: 'the place of the entry that says how the deployment has ended',
    found: `status ${posted.status}`,
    fix: 'Look at what was deployed; its decision is in the log, and how it ended is not',
  })
}

function entryOf(body: Uint8Array): number | undefined {
  try {
    return deployedSchema.safeParse(parseJson(body, { what: 'the answer of the gate' })).data?.entry
  } catch {
    // What cannot be read says nothing, which is told.
    return undefined
  }
}
