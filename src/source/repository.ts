import { existsSync, realpathSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { quote, SallyportError } from '#error'

export type Protocol = 'file' | 'https' | 'ssh'

/** A repository, with what may be shown and what may not kept apart. */
export interface Repository {
  /** The canonical name, `git+https://host/path`: what is compared, recorded and shown. */
  readonly uri: string
  readonly protocol: Protocol
  /** What git is given: a path or a URL, never with a password or token in it. */
  readonly remote: string
  /** For an HTTP header, never shown and never an argument: `user:password` as the URL had it. */
  readonly credentials?: string
}

/**
 * Understands what a person or a request calls a repository: a local folder, a `file:`, `https:` or `ssh:` URL (also
 * with `git+` in front), or `user@host:path`. Everything else is refused, `http:`, `git:` and `ext::` by name.
 *
 * @throws SallyportError SOURCE_REPOSITORY
 */
export function parseRepository(text: string, from = process.cwd()): Repository {
  const plain = text.replace(/^git\+/, '')
  // oxlint-disable-next-line no-control-regex
  if (plain === '' || /[\u0000-\u001f\u007f]/.test(plain) || plain.length > 4096)
    throw refused('a text that is no path and no URL', text)
  const scp = /^(?:([\w.-]+)@)?([\w][\w.-]*):(?!\/\/)([^:].*)$/.exec(plain)
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(plain)) return parseUrl(plain)
  if (scp !== null && !existsSync(resolve(from, plain)))
    return parseUrl(`ssh://${scp[1] === undefined ? '' : `${scp[1]}@`}${scp[2]}/${scp[3]}`)
  return localRepository(resolve(from, plain))
}

/**
 * The one way to write a repository's address: scheme and host in lower case, no credentials, no default port, no
 * query, no trailing slash; over the network also no `.git` at the end.
 */
export function canonicalUri(remote: string): string {
  return parseRepository(remote).uri
}

function parseUrl(text: string): Repository {
  const url = URL.parse(text)
  if (url === null) throw refused('a URL that cannot be read', withoutCredentials(text))
  switch (url.protocol) {
    case 'file:':
      return fileRepository(url)
    case 'https:':
      return httpsRepository(url)
    case 'ssh:':
      return sshRepository(url)
    default:
      throw refused(`the protocol ${quote(url.protocol)}`, withoutCredentials(text))
  }
}

function fileRepository(url: URL): Repository {
  if (url.host !== '' && url.host !== 'localhost')
    throw refused('a file URL that names another host', url.href)
  return localRepository(decoded(url.pathname, url))
}

function httpsRepository(url: URL): Repository {
  const path = networkPath(url)
  const origin = `https://${url.host}`
  const credentials =
    url.username === '' && url.password === ''
      ? undefined
      : `${decoded(url.username, url)}:${decoded(url.password, url)}`
  return {
    uri: `git+${origin}${withoutSuffix(path)}`,
    protocol: 'https',
    remote: `${origin}${path}`,
    ...(credentials === undefined ? {} : { credentials }),
  }
}

function sshRepository(url: URL): Repository {
  // The user of an SSH address is part of the address (`git@`); a password is not, and ssh would not take it.
  const user = decoded(url.username, url)
  if (user !== '' && !/^[A-Za-z0-9_][\w.-]*$/.test(user))
    throw refused('a user name that ssh could mistake for an option', withoutCredentials(url.href))
  if (!/^[A-Za-z0-9[][\w.:\]-]*$/.test(url.hostname))
    throw refused('a host name that ssh could mistake for an option', withoutCredentials(url.href))
  const port = url.port === '' || url.port === '22' ? '' : `:${url.port}`
  const host = `${user === '' ? '' : `${user}@`}${url.hostname.toLowerCase()}${port}`
  const path = networkPath(url)
  const origin = `ssh://${host}`
  return {
    uri: `git+${origin}${withoutSuffix(path)}`,
    protocol: 'ssh',
    remote: `${origin}${path}`,
  }
}

/** Where nothing, `.` or `..` would be left of the last part, that is its name: the folder above is another repository. */
function withoutSuffix(path: string): string {
  const without = path.replace(/\/*\.git$/, '')
  return /(?:^|\/)(?:\.|%2e){0,2}$/i.test(without) ? path : without
}

function networkPath(url: URL): string {
  if (url.search !== '' || url.hash !== '')
    throw refused('a URL with a query or a fragment', `${url.protocol}//${url.host}${url.pathname}`)
  const path = url.pathname.replace(/\/+$/, '')
  if (url.host === '' || path === '')
    throw refused('a URL without host or path', `${url.protocol}//`)
  return path
}

function localRepository(path: string): Repository {
  const top = existsSync(path) ? topOf(path) : undefined
  if (top === undefined) {
    throw new SallyportError({
      code: 'SOURCE_REPOSITORY',
      where: quote(path),
      expected: 'a git repository in this folder or above it',
      found: existsSync(path) ? 'no repository there' : 'no such folder',
      fix: 'Name the folder of a repository, or its https or ssh URL',
    })
  }
  const real = realpathSync(top)
  return { uri: `git+${pathToFileURL(real).href}`, protocol: 'file', remote: real }
}

/** As git does: the folder itself or the nearest one above it that is a repository. */
function topOf(path: string): string | undefined {
  for (let folder = path; ; folder = dirname(folder)) {
    if (existsSync(join(folder, '.git')) || isBare(folder)) return folder
    if (folder === dirname(folder)) return undefined
  }
}

function isBare(folder: string): boolean {
  return (
    existsSync(join(folder, 'HEAD')) &&
    existsSync(join(folder, 'refs')) &&
    (statSync(join(folder, 'objects'), { throwIfNoEntry: false })?.isDirectory() ?? false)
  )
}

function decoded(text: string, url: URL): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw refused('an escape that cannot be read', withoutCredentials(url.href))
  }
}

function withoutCredentials(text: string): string {
  return text.replace(/\/\/[^/]*@/, '//')
}

function refused(found: string, text: string): SallyportError {
  return new SallyportError({
    code: 'SOURCE_REPOSITORY',
    where: quote(withoutCredentials(text)),
    expected: 'a local folder, or a URL with the protocol https, ssh or file',
    found,
    fix: 'Name the repository by its folder, or by its https or ssh URL',
  })
}
