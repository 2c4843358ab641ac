import type { BuildAsk, Built } from '#api'
import { engine } from '#decision'
import { SallyportError } from '#error'
import { recordForeignBuild } from '#log'
import { principalOf } from './principal.ts'
import type { ServiceParts } from './service.ts'

/** So long it may take until an entry can be proven to everybody. */
const publishMs = 10_000

/**
 * Records what a builder says of a build, and gives the proof. Nothing of it is verified or decided here: that it was said,
 * by whom and when, is what the log then holds against every later copy.
 *
 * @throws SallyportError LOG_UNAVAILABLE and the like; SERVER_UNAVAILABLE when there is no proof in time
 */
export async function recordBuilt(
  ask: BuildAsk,
  requester: string,
  { log, clock, receipt }: Pick<ServiceParts, 'log' | 'clock' | 'receipt'>,
): Promise<Built> {
  const { index, entry } = await recordForeignBuild(log, {
    apiVersion: 'sallyport.dev/v1',
    kind: 'BuildRecord',
    time: clock().toISOString(),
    engine,
    requester,
    ...principalOf(requester),
    recorded: ask,
  })
  const { proof } = await receipt(index, { state: 'published', ms: publishMs })
  if (proof === undefined) throw new SallyportError(notPublished(index))
  return { entry: index, record: Buffer.from(entry).toString('utf8'), proof }
}

function notPublished(index: number) {
  return {
    code: 'SERVER_UNAVAILABLE',
    where: `entry ${index}`,
    expected: `the proof that it is in the log, within ${publishMs / 1000} s`,
    found: 'an entry that is durable, and not published yet',
    fix: 'Ask again; see /readyz of the gate',
  } as const
}
