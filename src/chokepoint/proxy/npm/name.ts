import { formatPurl } from '#package'

/** The name of an npm package, taken apart. */
export interface PackageName {
  /** `name` or `@scope/name`. */
  readonly full: string
  /** With its `@`. */
  readonly scope?: string
  readonly bare: string
}

// Old packages have upper case; none begins with a dot, and none is a path.
const form = /^(?:(@[a-z0-9~_-][a-z0-9._~-]{0,100})\/)?([a-z0-9~_-][a-z0-9._~-]{0,213})$/i
const versionForm = /^[0-9A-Za-z][0-9A-Za-z.+-]{0,255}$/

export function parsePackageName(text: string): PackageName | undefined {
  const [, scope, bare] = form.exec(text) ?? []
  if (bare === undefined || text.length > 214) return undefined
  return { full: text, bare, ...(scope === undefined ? {} : { scope }) }
}

export function isVersionText(text: string): boolean {
  return versionForm.test(text)
}

/** How a package version is called in decisions. `registry` is told where it is not the upstream. */
export function purlOf({ scope, bare }: PackageName, version: string, registry?: string): string {
  return formatPurl({
    type: 'npm',
    name: bare,
    version,
    ...(scope === undefined ? {} : { namespace: scope }),
    ...(registry === undefined ? {} : { qualifiers: { repository_url: registry } }),
  })
}

/** The packument of a package below a registry's address. */
export function packumentUrl(registry: string, { full }: PackageName): URL {
  return new URL(full.replace('/', '%2f'), registry)
}

/** Where the proxy itself hands out a tarball. */
export function tarballPath({ full, bare }: PackageName, version: string): string {
  return `/${full}/-/${encodeURIComponent(`${bare}-${version}.tgz`)}`
}
