import { quote, type Problem } from '#error'
import { parsePackageLock, pointerTo } from '../npm/package-lock.ts'

/**
 * Finds packages that a package-lock would have npm fetch over plain HTTP (LNT-15). Sallyport itself never uses these
 * addresses; whoever runs npm by hand does.
 *
 * @throws SallyportError NPM_LOCK_VERSION, DOCUMENT_*
 */
export function lintPackageLock(bytes: Uint8Array, options: { readonly file: string }): Problem[] {
  return [...parsePackageLock(bytes, options.file)].flatMap(([path, { resolved }]): Problem[] => {
    if (typeof resolved !== 'string' || !/^(?:git\+)?http:/i.test(resolved)) return []
    const url = URL.parse(resolved)
    return [
      {
        code: 'LINT_PLAIN_HTTP',
        where: `${options.file}: ${pointerTo(path)}`,
        expected: 'an https:// address in "resolved", or none',
        found: quote(url === null ? resolved : `${url.protocol}//${url.host}${url.pathname}`),
        fix: 'Set an https registry with `npm config set registry` and run `npm install --package-lock-only`',
      },
    ]
  })
}
