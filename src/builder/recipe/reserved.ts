// What the builder, the loader or the shell decides with. A recipe that sets one of these would either not be
// heard or change how every command is found.
const names = new Set([
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'PWD',
  'OLDPWD',
  'SHELL',
  'HOSTNAME',
  'TMPDIR',
  'TMP',
  'TEMP',
  'LANG',
  'LANGUAGE',
  'TZ',
  'SOURCE_DATE_EPOCH',
  'IFS',
  'ENV',
  'BASH_ENV',
  'CDPATH',
  'GLIBC_TUNABLES',
  'MALLOC_TRACE',
])
const prefixes = ['LC_', 'LD_', 'SALLYPORT_', 'NPM_CONFIG_'] as const

/** npm reads its variables in any case, so the comparison ignores it. */
export function isReserved(name: string): boolean {
  const upper = name.toUpperCase()
  return names.has(upper) || prefixes.some((prefix) => upper.startsWith(prefix))
}
