/** Whether a text can be a Debian package name (Debian Policy 5.6.1). */
export function isDebName(name: string): boolean {
  return name.length <= 200 && /^[a-z0-9][a-z0-9+.-]+$/.test(name)
}

/** Whether a text can be a Debian version (Debian Policy 5.6.12). */
export function isDebVersion(version: string): boolean {
  return version.length <= 200 && /^(?:\d+:)?\d[A-Za-z0-9.+~:-]*$/.test(version)
}

/** `deb:NAME@VERSION`, how locks call a Debian package. */
export function debId(name: string, version: string): string {
  return `deb:${name}@${version}`
}

export function parseDebId(id: string): { name: string; version: string } | undefined {
  const at = id.indexOf('@')
  if (!id.startsWith('deb:') || at === -1) return undefined
  const name = id.slice('deb:'.length, at)
  const version = id.slice(at + 1)
  return isDebName(name) && isDebVersion(version) ? { name, version } : undefined
}

/** The package URL (https://github.com/package-url/purl-spec, type `deb`). */
export function debPurl(name: string, version: string, architecture: string): string {
  return `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${architecture}`
}
