/** One line of an npmrc file that says how to log in somewhere. */
export type Credentials = ReadonlyMap<string, string>

/**
 * Reads from an npmrc file what `npm config` does not show: the lines that begin with `//host/path/:`. Values may name
 * environment variables as npm allows: `${NAME}`, and `${NAME?}` for one that may be missing.
 */
export function readCredentials(
  text: string,
  environment: Readonly<Record<string, string | undefined>>,
): Credentials {
  const found = new Map<string, string>()
  for (const line of text.split(/\r?\n/)) {
    const [, key, value] = /^(\/\/[^=\s]+)\s*=(.*)$/.exec(line.trim()) ?? []
    if (key !== undefined && value !== undefined)
      found.set(key, expand(unquote(value.trim()), environment))
  }
  return found
}

/**
 * The Authorization header for a request, if some line is for that very host and a folder above the address: npm's rule
 * ("nerf dart"), so that a token never travels to another host.
 */
export function authorizationFor(url: URL, credentials: Credentials): string | undefined {
  for (let path = url.pathname; ; path = path.replace(/[^/]+$|\/$/, '')) {
    const place = `//${url.host}${path}`
    const token = credentials.get(`${place}:_authToken`)
    if (token !== undefined) return `Bearer ${token}`
    const basic = credentials.get(`${place}:_auth`)
    if (basic !== undefined) return `Basic ${basic}`
    const user = credentials.get(`${place}:username`)
    const password = credentials.get(`${place}:_password`)
    if (user !== undefined && password !== undefined)
      return `Basic ${Buffer.from(`${user}:${Buffer.from(password, 'base64').toString()}`).toString('base64')}`
    if (path === '') return undefined
  }
}

function unquote(value: string): string {
  return /^(["']).*\1$/.test(value) ? value.slice(1, -1) : value
}

function expand(value: string, environment: Readonly<Record<string, string | undefined>>): string {
  return value.replaceAll(
    /\$\{(\w+)(\?)?\}/g,
    (whole, name: string, optional?: string) =>
      environment[name] ?? (optional === undefined ? whole : ''),
  )
}
