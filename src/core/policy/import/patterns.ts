import type { ArtifactPattern } from '../artifact-name.ts'

/** Longer than any name; who writes a pattern decides how long it is looked at. */
const maxLength = 2000

/** What a pattern provably means: one text, or every text below a path. */
export type Proven = { readonly exact: string } | { readonly prefix: string }

const special = /[\\^$.|?*+()[\]{}]/

/**
 * What a regular expression (RE2) provably means. Expressions of these programs match anywhere in a text, so without `^`
 * and `$` nothing is exact; an unescaped dot is any character.
 */
export function proveRegExp(expression: string): Proven | undefined {
  if (!expression.startsWith('^') || expression.length > maxLength) return undefined
  const body = expression.slice(1)
  const [, open = '', rest = ''] = /^((?:\\.|[^\\.])*?)(\.[*+]\$?|\$)$/s.exec(body) ?? []
  if (rest === '') return undefined
  const literal = unescape(open)
  if (literal === undefined) return undefined
  if (rest === '$') return { exact: literal }
  return isPathPrefix(literal) ? { prefix: literal } : undefined
}

/** The text of an expression that has nothing but literal characters. */
function unescape(expression: string): string | undefined {
  let text = ''
  for (let at = 0; at < expression.length; at += 1) {
    const character = expression[at] ?? ''
    if (character === '\\') {
      const next = expression[(at += 1)] ?? ''
      // A backslash before a letter or digit is a class or a reference.
      if (!/^[^A-Za-z0-9\s]$/.test(next)) return undefined
      text += next
    } else if (special.test(character) || /[\r\n]/.test(character)) return undefined
    else text += character
  }
  return text
}

/** A subject with wildcards (`*` any text, `?` any character): exact, or a path that ends with `*`. */
export function proveWildcard(pattern: string): Proven | undefined {
  if (pattern.length > maxLength) return undefined
  if (!/[*?]/.test(pattern)) return { exact: pattern }
  const open = pattern.replace(/\*+$/, '')
  if (/[*?]/.test(open) || open === pattern) return undefined
  return isPathPrefix(open) ? { prefix: open } : undefined
}

/** The form that the trust file has for `subjectPrefix`. */
function isPathPrefix(text: string): boolean {
  return (
    text.length <= 2000 &&
    /^[a-z][a-z0-9+.-]*:\/\/[^/?#@\s]+\/[^?#\s]+[/@]$/.test(text) &&
    !/\\|%2e|%2f|%5c|\/\.{1,2}(?:[/?#@]|$)/i.test(text)
  )
}

/** How far `*` reaches: in a ClusterImagePolicy within one part of a path, and `**` further; in Kyverno everywhere. */
export type GlobStyle = 'segments' | 'everything'

/** What a glob of image names provably means for names without tag. */
export function proveGlob(glob: string, style: GlobStyle): ArtifactPattern | undefined {
  if (glob.length > 1000) return undefined
  if (!/[*?]/.test(glob)) return /^[^\s]+$/.test(glob) ? withoutTag(glob) : undefined
  const end = style === 'segments' ? /\/\*\*$/ : /\/\*+$/
  const prefix = glob.replace(end, '/')
  if (!/[*?\s:@]/.test(prefix) && prefix !== glob && prefix.includes('/')) return { prefix }
  const [, name] = /^([^\s*?]+):\*+$/.exec(glob) ?? []
  return name === undefined ? undefined : withoutTag(name)
}

/** Builders and signers name an image without its tag. */
function withoutTag(reference: string): string {
  const bare = reference.replace(/@.*$/s, '')
  const colon = bare.lastIndexOf(':')
  return colon > bare.lastIndexOf('/') ? bare.slice(0, colon) : bare
}
