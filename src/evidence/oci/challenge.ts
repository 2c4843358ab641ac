/** How a registry wants to be asked: RFC 9110 §11.6.1, as far as registries use it. */
export type Challenge =
  | { readonly scheme: 'basic' }
  | { readonly scheme: 'bearer'; readonly realm: string; readonly service?: string }

const maxLength = 4 * 1024

/** Reads a `WWW-Authenticate` header; a token is preferred to a password. Undefined when nothing in it is understood. */
export function parseChallenge(header: string | undefined): Challenge | undefined {
  if (header === undefined || header.length > maxLength) return undefined
  const bearer = /(?:^|,)\s*bearer\s+(.*)$/i.exec(header)
  if (bearer !== null) {
    const parameters = new Map(
      [...(bearer[1] ?? '').matchAll(/(\w+)="([^"\\]*)"/g)].map(
        ([, name = '', value = '']) => [name.toLowerCase(), value] as const,
      ),
    )
    const realm = parameters.get('realm')
    const service = parameters.get('service')
    if (realm !== undefined) {
      return { scheme: 'bearer', realm, ...(service === undefined ? {} : { service }) }
    }
  }
  return /(?:^|,)\s*basic(?:\s|$)/i.test(header) ? { scheme: 'basic' } : undefined
}
