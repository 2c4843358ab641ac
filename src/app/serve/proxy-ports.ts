import type { ProxyPorts } from '#chokepoint'
import type { Config } from '#config'
import { accountOf, engine, summaryOf, type Decision, type DeploymentRequest } from '#decision'
import { recordRefusal, type BodyStore } from '#log'
import type { Metrics } from '#server'
import type { Wanted } from './gather.ts'
import { placeInLog, type Recorded, type Recorder } from './recorder.ts'
import { principalOf } from './principal.ts'

export interface ProxyPortParts {
  readonly config: Pick<Config, 'evidence'>
  readonly record: Recorder
  readonly bodies: Pick<BodyStore, 'get'>
  readonly rulebook: { readonly id: string }
  readonly clock: () => Date
  readonly metrics: Pick<Metrics, 'refusal'>
}

/** One decision, through the one way in. */
type Decide = (
  request: DeploymentRequest,
  wanted: Wanted,
  options: { readonly dryRun: false; readonly timeoutMs: number },
) => Promise<{ readonly decision: Decision; readonly receipt: Recorded | undefined }>

const maxKept = 64

/** What a proxy needs of the gate. */
export function proxyPorts(
  chokePoint: string,
  { clock, record, bodies, rulebook, config, metrics }: ProxyPortParts,
  decide: Decide,
): ProxyPorts {
  const timeoutMs = config.evidence.timeoutMs
  const bodiesOf = async (digests: readonly string[]): Promise<Uint8Array[]> => {
    const found = await Promise.all(digests.slice(0, maxKept).map((digest) => bodies.get(digest)))
    return found.filter((bytes) => bytes !== undefined)
  }
  return {
    async decide(question) {
      const { name, sha256, sha512, target, requester, asked, reference, npm, kept = [] } = question
      const digest = { sha256, ...(sha512 === undefined ? {} : { sha512 }) }
      const who = { requester, ...principalOf(requester) }
      const request = { artifact: { name, digest }, target, chokePoint, ...who, asked }
      const place = {
        ...(reference === undefined ? {} : { reference }),
        ...(npm === undefined ? {} : { npm }),
      }
      const wanted = { digest, ...place, inline: [], attached: await bodiesOf(kept) }
      const { decision, receipt } = await decide(request, wanted, {
        dryRun: false,
        timeoutMs,
      })
      if (receipt === undefined) throw new TypeError('a decision that was not recorded')
      return { decision, index: placeInLog(receipt) }
    },
    async refuse(asked, requester, reasons) {
      const refusal = {
        apiVersion: 'sallyport.dev/v1',
        kind: 'Refusal',
        time: clock().toISOString(),
        engine,
        chokePoint,
        requester,
        asked,
        reasons,
      } as const
      await record((log) => recordRefusal(log, refusal))
      metrics.refusal(reasons, chokePoint)
    },
    edition: () => rulebook.id,
    // Who pulls has no command line of the gate at hand.
    explain: ({ decision, index }) =>
      summaryOf(accountOf(decision), { index }).replaceAll(' or pass it with --bundle', ''),
  }
}
