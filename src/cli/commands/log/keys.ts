import type { Outcome } from '../../outcome.ts'
import type { Session } from '../../session.ts'

/** `sallyport log keys`: what a reader or a witness has to know of this log. */
export async function keys(session: Session): Promise<Outcome> {
  const { log } = await session.config()
  const { origin, verifierKeys } = log
  return {
    exit: 0,
    json: {
      apiVersion: 'sallyport.dev/v1',
      kind: 'LogKeys',
      origin,
      verifierKeys: [...verifierKeys],
    },
    text: verifierKeys.join('\n'),
  }
}
