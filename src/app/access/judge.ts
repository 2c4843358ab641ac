import { mayDeploy } from '#policy'
import type { Grant, Trace } from './grant.ts'
import { isOwn } from './own.ts'
import type { GrantReview, ReviewBook } from './reviews.ts'
import type { Seen } from './seen.ts'

/** Whether a grant is used, as far as the log can tell. */
export type Use =
  | { readonly state: 'used'; readonly last: string }
  /** Used by one of several who show in the log in the same way. */
  | { readonly state: 'shared'; readonly last: string }
  | { readonly state: 'unused'; readonly since: string; readonly last?: string }
  | { readonly state: 'unknown'; readonly why: string }

/** A grant, and what has become of it. */
export interface JudgedGrant extends Grant {
  /** `changed`: what was reviewed gave something else. */
  readonly state: 'reviewed' | 'overdue' | 'changed' | 'never' | 'ended'
  /** The newest review of what it gives now; of what it gave before, where it has changed. */
  readonly review?: GrantReview
  /** When it has to be reviewed again. */
  readonly reviewBy?: string
  readonly endsSoon: boolean
  readonly use: Use
}

export interface JudgeRules {
  readonly now: Date
  /** How long a review holds, and after how long without use a grant is unused. */
  readonly intervalMs: number
  /** An end that is nearer is told. */
  readonly soonMs: number
}

export function judgeGrant(
  grant: Grant,
  { reviews, seen }: { readonly reviews: Pick<ReviewBook, 'of'>; readonly seen?: Seen | undefined },
  rules: JudgeRules,
): JudgedGrant {
  const { now, intervalMs, soonMs } = rules
  const left = grant.until === undefined ? Infinity : Date.parse(grant.until) - now.getTime()
  // What its own holder says of it, and what the clock cannot know yet, is no review.
  const counted = reviews
    .of(grant.id)
    .filter((one) => Date.parse(one.time) <= now.getTime() && !isOwn(grant, one))
  const review = counted.findLast(({ sha256 }) => sha256 === grant.sha256)
  const last = review ?? counted.at(-1)
  const due = review === undefined ? undefined : Date.parse(review.time) + intervalMs
  return {
    ...grant,
    state: left <= 0 ? 'ended' : stateOf(due, last, now),
    ...(last === undefined ? {} : { review: last }),
    ...(due === undefined ? {} : { reviewBy: new Date(due).toISOString() }),
    endsSoon: left > 0 && left <= soonMs,
    use: useOf(grant, seen, { ...rules, first: reviews.of(grant.id)[0]?.time }),
  }
}

/** What it gave before may have been reviewed, and what it gives now not. */
function stateOf(
  due: number | undefined,
  last: GrantReview | undefined,
  now: Date,
): JudgedGrant['state'] {
  if (due === undefined) return last === undefined ? 'never' : 'changed'
  return now.getTime() >= due ? 'overdue' : 'reviewed'
}

interface UseRules extends JudgeRules {
  /** When somebody has looked at it for the first time: it has been there since then, at least. */
  readonly first: string | undefined
}

function useOf(grant: Grant, seen: Seen | undefined, { now, intervalMs, first }: UseRules): Use {
  const { trace, from } = grant
  if (seen === undefined) return { state: 'unknown', why: 'the log was not read for it' }
  if (trace === undefined) return { state: 'unknown', why: 'its use leaves no trace in the log' }
  const begin = new Date(now.getTime() - intervalMs)
  const last = lastUse(trace, seen)
  if (last !== undefined && Date.parse(last) < begin.getTime())
    return { state: 'unused', since: begin.toISOString(), last }
  if (last !== undefined)
    return { state: 'shared' in trace && trace.shared ? 'shared' : 'used', last }
  if (!seen.complete) return { state: 'unknown', why: `only ${seen.entries} entries were read` }
  const began = [seen.since ?? now.toISOString(), from, first].map((time) =>
    time === undefined ? 0 : Date.parse(time),
  )
  const since = new Date(Math.max(...began))
  return since <= begin
    ? { state: 'unused', since: begin.toISOString() }
    : { state: 'unknown', why: `no use, and it is known since ${since.toISOString()} only` }
}

/** The last time that the log shows a use. */
function lastUse(trace: Trace, seen: Seen): string | undefined {
  switch (trace.kind) {
    case 'principal':
      return seen.principals.get(trace.name)
    case 'prefix':
      return newest(seen.principals, (name) => name.startsWith(trace.prefix))
    case 'signer':
      return seen.signers.get(trace.name)
    case 'approver':
      return newest(seen.approvers, (name) =>
        trace.owners.some((owner) => name === `${trace.policy} ${owner}`),
      )
    case 'deployer':
      return newest(seen.askers, (name) => isAsker(trace, name))
    case 'openly':
      return seen.openly.get(trace.chokePoint)
    case 'waiver':
      return seen.waivers.get(trace.name)
  }
}

function isAsker({ policy, deployer }: Trace & { readonly kind: 'deployer' }, name: string) {
  if (!name.startsWith(`${policy} `)) return false
  return deployer === undefined || mayDeploy([deployer], name.slice(policy.length + 1))
}

function newest(
  seen: ReadonlyMap<string, string>,
  fits: (name: string) => boolean,
): string | undefined {
  return [...seen]
    .filter(([name]) => fits(name))
    .map(([, time]) => time)
    .sort()
    .at(-1)
}
