import { quote, type Problem } from '#error'
import type { JudgedGrant } from './judge.ts'

/** What somebody has to do about a grant; empty where nothing has to be done. */
export function findingsOf(grant: JudgedGrant): readonly Problem[] {
  const { state, use, endsSoon } = grant
  // What a key has signed stays good when the key is over: its entry has to stay.
  if (state === 'ended') return grant.outlivesItsEnd === true ? [] : [ended(grant)]
  return [
    ...reviewFinding(grant),
    ...(use.state === 'unused' ? [unused(grant, use)] : []),
    ...(endsSoon ? [ends(grant)] : []),
  ]
}

function reviewFinding(grant: JudgedGrant): readonly Problem[] {
  const { state, review, reviewBy = '' } = grant
  const by = quote(review?.by, 200)
  switch (state) {
    case 'never':
      return [problem(grant, 'GRANT_NOT_REVIEWED', 'a review by somebody else', 'none')]
    case 'changed':
      return [
        problem(
          grant,
          'GRANT_CHANGED',
          'a review of what it gives now',
          `one of something else, by ${by} at ${review?.time ?? ''}`,
        ),
      ]
    case 'overdue':
      return [
        problem(
          grant,
          'GRANT_REVIEW_OVERDUE',
          `a review after ${review?.time ?? ''}, before ${reviewBy}`,
          `the last one, by ${by}`,
        ),
      ]
    case 'reviewed':
    case 'ended':
      return []
  }
}

function problem(
  { id, sha256, where }: JudgedGrant,
  code: Problem['code'],
  expected: string,
  found: string,
): Problem {
  return {
    code,
    where: `${quote(id)}, ${where}`,
    expected,
    found,
    fix: `Look at it, remove it or run \`sallyport access review ${sha256.slice(0, 12)} --finding TEXT\` as somebody who does not hold it`,
  }
}

function unused(
  { id, where }: JudgedGrant,
  { since, last }: { readonly since: string; readonly last?: string },
): Problem {
  return {
    code: 'GRANT_UNUSED',
    where: `${quote(id)}, ${where}`,
    expected: `a use in the log after ${since}`,
    found: last === undefined ? 'none' : `the last one at ${last}`,
    fix: 'Remove it if nobody needs it; it can be given again',
  }
}

function ends({ id, where, until = '' }: JudgedGrant): Problem {
  return {
    code: 'GRANT_ENDS',
    where: `${quote(id)}, ${where}`,
    expected: 'an end that is not near, or somebody who knows of it',
    found: `it ends at ${until}`,
    fix: 'Renew it if it is still needed, and let it end otherwise',
  }
}

function ended({ id, where, until = '' }: JudgedGrant): Problem {
  return {
    code: 'GRANT_ENDED',
    where: `${quote(id)}, ${where}`,
    expected: 'nothing that is over',
    found: `it ended at ${until}`,
    fix: `Remove it, or renew it, in ${where}`,
  }
}
