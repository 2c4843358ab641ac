import type { ChokePointsConfig, Config } from '#config'
import type { Target } from '#decision'
import { quote, type Problem } from '#error'
import type { PolicySet } from '#policy'
import { byHand } from '../breakglass/by-hand.ts'
import { pointExists } from './point-exists.ts'
import type { LetIn } from './seen.ts'

/** A target, the points through which it is reached, and what came in through which. */
export interface TargetPoints extends Target {
  /** Declared in sallyport.yaml. */
  readonly through: readonly string[]
  /** What the log has let in, as far as it was read. */
  readonly letIn: readonly Omit<LetIn, 'environment' | 'service'>[]
}

export interface ChokePointsReport {
  readonly targets: readonly TargetPoints[]
  readonly findings: readonly Problem[]
}

/**
 * Holds the declared choke points against the targets of the policies, against what is configured, and against the decisions
 * that have let something in.
 */
export function checkChokePoints(
  config: Config,
  { policies }: PolicySet,
  letIn: readonly LetIn[],
): ChokePointsReport {
  const declared = config.chokePoints
  const targets = policies.flatMap((policy) =>
    policy.targets.map(({ environment, service }) => ({ environment, service })),
  )
  // What came of what was recorded afterwards has its own review.
  const seen = letIn.filter(({ chokePoint }) => chokePoint !== byHand)
  return {
    targets: targets.map((target) => ({
      ...target,
      through: throughOf(declared, target),
      letIn: seen
        .filter((one) => isSame(one, target))
        .map(({ chokePoint, count, entry, time }) => ({ chokePoint, count, entry, time })),
    })),
    findings: [
      ...targets
        .filter((target) => throughOf(declared, target).length === 0)
        .map((target) => missing(target)),
      ...declared.flatMap((one, index) => checkDeclared(config, one, index, targets)),
      ...seen
        .filter((one) => isElsewhere(declared, targets, one))
        .map((one) => other(one, throughOf(declared, one))),
    ],
  }
}

function isSame(one: Target, { environment, service }: Target): boolean {
  return one.environment === environment && one.service === service
}

function covers({ environment, service }: ChokePointsConfig, target: Target): boolean {
  return environment === target.environment && (service ?? target.service) === target.service
}

function throughOf(declared: readonly ChokePointsConfig[], target: Target): readonly string[] {
  const own = declared.filter((one) => covers(one, target))
  // What is said about a service takes the place of what is said about its environment.
  const exact = own.filter(({ service }) => service !== undefined)
  const counted = exact.length > 0 ? exact : own
  return [...new Set(counted.flatMap(({ through }) => through))]
}

/** Where a target has no declared point at all, that is the finding. */
function isElsewhere(
  declared: readonly ChokePointsConfig[],
  targets: readonly Target[],
  one: LetIn,
): boolean {
  const through = throughOf(declared, one)
  if (through.length === 0) return !targets.some((target) => isSame(target, one))
  return !through.includes(one.chokePoint)
}

function checkDeclared(
  config: Config,
  declared: ChokePointsConfig,
  index: number,
  targets: readonly Target[],
): readonly Problem[] {
  const reached = targets.filter((target) => covers(declared, target))
  const where = `sallyport.yaml chokePoints[${index}]`
  const name = showTarget(declared)
  if (reached.length === 0)
    return [
      {
        code: 'CHOKE_POINT_NO_TARGET',
        where,
        expected: 'a target that a policy owns',
        found: name,
        fix: 'Correct environment and service, or remove the entry',
      },
    ]
  return declared.through.flatMap((point) =>
    reached
      .filter((target) => !pointExists(config, point, target))
      .map((target) => absent(point, target, where)),
  )
}

function showTarget({ environment, service }: { environment: string; service?: string }): string {
  return quote(service === undefined ? `${environment}/…` : `${environment}/${service}`, 400)
}

function missing(target: Target): Problem {
  return {
    code: 'CHOKE_POINT_MISSING',
    where: `sallyport.yaml chokePoints, ${showTarget(target)}`,
    expected: 'at least one point through which everything reaches it',
    found: 'none',
    fix: `Add {environment: ${target.environment}, service: ${target.service}, through: [POINT]} to chokePoints`,
  }
}

function absent(point: string, target: Target, where: string): Problem {
  return {
    code: 'CHOKE_POINT_ABSENT',
    where: `${where}, ${showTarget(target)}`,
    expected: `${quote(point, 200)} to be configured here, and to reach this target`,
    found: 'it does not',
    fix: `Configure it (admission, proxies.oci, proxies.npm, or somebody with the role deployer under access), or remove ${quote(point, 200)} from "through"`,
  }
}

function other(one: LetIn, through: readonly string[]): Problem {
  const times = one.count === 1 ? 'once' : `${one.count} times`
  return {
    code: 'CHOKE_POINT_OTHER',
    where: `entry ${one.entry}, ${showTarget(one)}`,
    expected:
      through.length === 0
        ? 'nothing to be let in where no policy has a target'
        : `everything to come through ${through.join(', ')}`,
    found: `${quote(one.chokePoint, 200)} let something in ${times}, at ${one.time} for the last time`,
    fix: `Look at it with \`sallyport log show ${one.entry}\`; close that way, or add it to "through" in chokePoints`,
  }
}
