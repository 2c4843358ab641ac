/** Whether a text can be the name of a registry package: what becomes part of a URL and of a file name. */
export function isPackageName(name: string): boolean {
  return name.length <= 214 && /^(?:@[\w~.-][\w~.-]*\/)?[\w~-][\w~.-]*$/.test(name)
}

/** Whether a text is an exact version (semver), nothing that has to be resolved. */
export function isExactVersion(version: string): boolean {
  return (
    version.length <= 256 &&
    /^\d{1,16}\.\d{1,16}\.\d{1,16}(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/.test(version)
  )
}

/** `npm:NAME@VERSION`, how locks and recipes call a package. */
export function npmId(name: string, version: string): string {
  return `npm:${name}@${version}`
}

/** The package that an id means; undefined when the text is not an id with an exact version. */
export function parseNpmId(id: string): { name: string; version: string } | undefined {
  const at = id.lastIndexOf('@')
  if (!id.startsWith('npm:') || at <= 'npm:'.length) return undefined
  const name = id.slice('npm:'.length, at)
  const version = id.slice(at + 1)
  return isPackageName(name) && isExactVersion(version) ? { name, version } : undefined
}

/** The package URL (https://github.com/package-url/purl-spec). */
export function npmPurl(name: string, version: string): string {
  return `pkg:npm/${name.replace(/^@/, '%40')}@${encodeURIComponent(version)}`
}
