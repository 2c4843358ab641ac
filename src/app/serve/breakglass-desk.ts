import { openUses, requestId } from '#breakglass'
import { cut, encodeCanonical, type Json } from '#document'
import type { BreakglassAsk } from '#api'
import { SallyportError } from '#error'
import type { GateService } from '#server'
import type { BreakglassTerms } from '#trust'
import { requestFrom } from '../breakglass/from-decision.ts'
import { glassTerms } from '../breakglass/terms.ts'
import { listedUses, maxListed, recordReviewIn } from '../breakglass/review.ts'
import type { ServiceParts } from './service.ts'

type Desk = NonNullable<GateService['breakglass']>

/** Keeps requests and grants and records reviews. It holds no key that could grant anything. */
export function openDesk(parts: ServiceParts, decide: GateService['decide']): Desk {
  const { config, clock, log, bodies, bell, deskFiles, shared } = parts
  const book = openUses(bodies)
  return {
    async request(ask, requester) {
      const { request, ...terms } = await requestOf(ask, requester, parts, decide)
      await shared.look()
      await shared.look(await deskFiles.keepRequest(request))
      return { id: requestId(request), request, ...terms }
    },
    async requests() {
      await shared.look()
      const read = await deskFiles.requests()
      return read.toSorted((a, b) => (a.request.requestedOn > b.request.requestedOn ? -1 : 1))
    },
    async grant(given) {
      try {
        const bytes =
          typeof given === 'string' ? Buffer.from(given) : encodeCanonical(given as Json)
        const { name, ...kept } = await deskFiles.keepGrant(bytes)
        await shared.look(name)
        return { ...kept, signers: [...kept.signers] }
      } catch (error) {
        if (error instanceof SallyportError) parts.onGrantRefused?.(error.problems)
        throw error
      }
    },
    async uses() {
      await book.read(await log.view())
      const { uses, findings, ...more } = listedUses(book, config, clock())
      const { pending, unreadable } = await bell.waiting()
      return {
        uses: uses.toReversed(),
        ...more,
        findings: [...unreadable.slice(0, maxListed), ...findings],
        pending: pending.length + unreadable.length,
      }
    },
    async review({ entry, finding }, principal) {
      const review = {
        apiVersion: 'sallyport.dev/v1',
        kind: 'BreakglassReview',
        time: clock().toISOString(),
        entry,
        by: cut(principal, 200),
        principal,
        finding,
      } as const
      return await recordReviewIn(log, book, review)
    },
  }
}

/** What an approver is to sign. It is decided as it would be now, and not recorded: they are to see what would be refused. */
async function requestOf(
  ask: BreakglassAsk,
  requester: string,
  { clock, rulebook }: Pick<ServiceParts, 'clock' | 'rulebook'>,
  decide: GateService['decide'],
) {
  const { artifact, environment, service, reference, evidence, rules, ...words } = ask
  const target = { environment, service }
  const { name, sha256 } = artifact
  const { decision } = await decide(
    {
      artifact: { name, digest: { sha256 } },
      target,
      reference,
      evidence,
      chokePoint: 'api',
      dryRun: true,
    },
    requester,
  )
  const now = clock()
  const glass = glassTerms(decision, rulebook.current(), now)
  const wanted = rules === undefined ? {} : { rules }
  const terms = { ...words, ...wanted, target, requester, now }
  const request = requestFrom(terms, decision, glass)
  // Where nobody may grant it there is no request.
  const { approvers, count } = glass as BreakglassTerms
  return { request, approvers: [...approvers], count }
}
