import type { Policy } from '#policy'

/** Where a policy decides, in words. */
export function targetsOf({ targets }: Pick<Policy, 'targets'>): string {
  return targets.map(({ environment, service }) => `${environment}/${service}`).join(', ')
}
