/** How a registry wants to be asked: RFC 9110 §11.6.1, as far as registries use it. */
export type Challenge =
  | { readonly scheme: 'basic' }
  | { readonly scheme: 'bearer'; readonly realm: string; readonly service?: string }

const maxLength = 4 * 1024

/** Reads a `WWW-Authenticate` header; a token is preferred to a password. Undefined when nothing in it is understood. */
export function parseChallenge(header: string | undefined): Challenge | undefined {
  if (header === undefined || header.length > maxLength) return undefined
  const offered = read(header)
  for (const { scheme, parameters } of offered) {
    const realm = parameters.get('realm')
    const service = parameters.get('service')
    if (scheme !== 'bearer' || realm === undefined) continue
    return { scheme, realm, ...(service === undefined ? {} : { service }) }
  }
  return offered.some(({ scheme }) => scheme === 'basic') ? { scheme: 'basic' } : undefined
}

interface Offered {
  readonly scheme: string
  /** The first of each name. */
  readonly parameters: Map<string, string>
}

const token = "[!#$%&'*+.^_`|~\\w-]+"
const parameter = new RegExp(`(${token})[ \\t]*=[ \\t]*(?:"((?:[^"\\\\]|\\\\.)*)"|(${token}))`, 'y')
const beginning = new RegExp(`(${token})(?:[ \\t]+[\\w.~+/-]+=*(?=[ \\t]*(?:,|$)))?`, 'y')
const between = /[\s,]*/y

/** What is offered, in its order, up to where it is no list of challenges. */
function read(header: string): readonly Offered[] {
  const offered: Offered[] = []
  let at = 0
  const next = (form: RegExp): RegExpExecArray | null => {
    form.lastIndex = at
    const found = form.exec(header)
    if (found !== null) at = form.lastIndex
    return found
  }
  while (next(between) !== null && at < header.length) {
    const last = offered.at(-1)
    const [, name, quoted, plain = ''] = next(parameter) ?? []
    if (name === undefined) {
      const [, scheme] = next(beginning) ?? []
      if (scheme === undefined) break
      offered.push({ scheme: scheme.toLowerCase(), parameters: new Map() })
    } else if (last !== undefined && !last.parameters.has(name.toLowerCase())) {
      last.parameters.set(name.toLowerCase(), quoted?.replaceAll(/\\(.)/g, '$1') ?? plain)
    }
  }
  return offered
}
