import { mayDeploy } from '#policy'
import { namesOf } from '#trust'
import type { Grant } from './grant.ts'

/** Whether whoever reviews holds the grant, as far as names tell. */
export function isOwn(
  { holders, trace }: Pick<Grant, 'holders' | 'trace'>,
  { by, principal }: { readonly by: string; readonly principal: string },
): boolean {
  const own = new Set(holders.flatMap(namesOf))
  if ([by, principal].some((name) => namesOf(name).some((one) => own.has(one)))) return true
  // A prefix names nobody, and everybody below it.
  const deployer = trace?.kind === 'deployer' ? trace.deployer : undefined
  if (deployer === undefined || typeof deployer === 'string') return false
  return [by, principal].some((name) => mayDeploy([deployer], name))
}
