import { quote, type Problem } from '#error'
import type { OpenAdmission } from '#recheck'

/** It runs, and for too long nobody could tell whether it may. */
export function overdue(one: OpenAdmission): Problem {
  const { first, artifact, environment, service, since } = one
  return {
    code: 'RECHECK_OVERDUE',
    where: `entry ${first}`,
    expected: `an answer about ${quote(artifact.name, 300)} in ${environment}/${service} soon after it was let in`,
    found: `none since ${since}`,
    fix: 'Bring back the place that `sallyport recheck` names; the gate asks again by itself. If that place is gone for good, take it out of sallyport.yaml',
  }
}

/** There is more in the log than is looked at. It stays there. */
export function behind(open: number, unread: number): Problem {
  return {
    code: 'RECHECK_FULL',
    where: 'rechecks',
    expected: 'fewer open questions than are kept in mind at a time',
    found: `${open} open ones, and ${unread} entries of the log that were not looked through`,
    fix: 'Bring back the places of evidence that do not answer: `sallyport recheck` names them. What is not looked through yet is not lost',
  }
}

/** Only one at a time decides again. */
export const taken: Problem = {
  code: 'RECHECK_TAKEN',
  where: 'rechecks',
  expected: 'no gate that runs on this log',
  found: 'one that decides again by itself',
  fix: 'Look at `GET /api/v1/rechecks` of that gate, or run `sallyport recheck` without --now; stop the gate if you have to do it yourself',
}
