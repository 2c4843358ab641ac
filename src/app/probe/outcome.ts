import type { ClusterAnswer } from './cluster.ts'
import type { Attempt } from './attempts.ts'

/** What is known about one way around the gate. */
export type Way =
  | {
      readonly outcome: 'open'
      readonly way: string
      readonly found: string
      readonly fix: string
    }
  | { readonly outcome: 'closed'; readonly way: string; readonly by: string }
  | { readonly outcome: 'unknown'; readonly way: string; readonly why: string }

/** What became of an attempt. */
export type Tried =
  | { readonly outcome: 'refused'; readonly by: string }
  | { readonly outcome: 'admitted'; readonly note: string }
  | { readonly outcome: 'unknown'; readonly why: string }

/**
 * Only a refusal by the gate, or by a policy of the API server itself, closes a way. A quota, a missing right or a gate that
 * does not answer may be another one tomorrow, or for somebody else.
 */
export function judge(
  { status, body, warnings }: ClusterAnswer,
  webhooks: readonly { readonly name: string }[],
): Tried {
  if (status >= 200 && status < 300) return { outcome: 'admitted', note: warnings.slice(0, 300) }
  const message = typeof body['message'] === 'string' ? body['message'] : `status ${status}`
  // The API server looks whether a pod has a node when everybody has let the binding pass.
  if (status === 409 && message.includes('is already assigned to node'))
    return { outcome: 'admitted', note: '' }
  const webhook = webhooks.find(({ name }) =>
    message.includes(`admission webhook "${name}" denied the request`),
  )
  if (webhook !== undefined) return { outcome: 'refused', by: webhook.name }
  if (/\bValidatingAdmissionPolicy '[^']+' with binding/.test(message)) {
    return { outcome: 'refused', by: 'ValidatingAdmissionPolicy' }
  }
  return { outcome: 'unknown', why: message.split('\n')[0]?.slice(0, 300) ?? '' }
}

/** What an admitted attempt means, and what to change. */
export function findingOf({ way, admitted }: Attempt, note: string) {
  if (admitted !== undefined) return { way, ...admitted }
  const isAudit = note.includes('admitted-audit')
  return {
    way,
    found:
      note === ''
        ? 'an image that nobody has ever seen would be admitted (dry run)'
        : `an image that nobody has ever seen would be admitted (dry run), with the warning ${note}`,
    fix: isAudit
      ? 'Set mode: enforce in the policy of this target'
      : 'Let the webhook ask about this, as deploy/kubernetes/webhook does; if it does ask, see the policy of this target',
  }
}
