import { quote, type Problem } from '#error'
import { isOverdue, type FollowUpRules } from './follow-up.ts'
import { ratesOf, type Rate } from './rate.ts'
import type { Use } from './uses.ts'

/** What somebody has to do about uses: environments with too many of them, and those that nobody has reviewed in time. */
export function useFindings(
  uses: readonly Use[],
  rules: FollowUpRules,
  now: Date,
): readonly Problem[] {
  return [
    ...ratesOf(uses, rules, now)
      .filter(({ lastDay, limit }) => lastDay > limit)
      .map(tooFrequent),
    ...uses.filter((use) => isOverdue(use, rules.reviewMs, now)).map(overdue),
  ]
}

function overdue({ entry, environment, service, time }: Use): Problem {
  return {
    code: 'BREAKGLASS_OVERDUE',
    where: `entry ${entry}`,
    expected: 'a review by somebody who neither asked nor approved, before its deadline',
    found: `none of the use at ${time} in ${environment}/${service}`,
    fix: `Have somebody else look at it, and run \`sallyport breakglass review ${entry} --finding TEXT\` on their own account`,
  }
}

function tooFrequent({ environment, lastDay, limit }: Rate): Problem {
  return {
    code: 'BREAKGLASS_TOO_FREQUENT',
    where: quote(environment, 200),
    expected: `at most ${limit} within a day: beyond that, misuse cannot be told from routine`,
    found: `${lastDay}`,
    fix: 'Find out from `sallyport breakglass list` why it is needed so often, and mend that: the policy, the pipeline or the evidence; if so many are right in this environment, write their number into `alarms.maxPerDayIn` of sallyport.yaml',
  }
}
