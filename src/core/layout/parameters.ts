import { quote } from '#error'
import { refuse } from './refuse.ts'

/** What stands in the layout for `{name}`. */
export type Parameters = ReadonlyMap<string, string>

/**
 * Puts parameters into a text: `{name}` becomes its value, `{{` and `}}` single braces. Without parameters nothing is
 * replaced and braces are braces. A value is not read again, so it cannot bring in other parameters.
 *
 * @throws SallyportError LAYOUT_PARAMETER for a name without value, or a brace alone
 */
export function substitute(
  parameters: Parameters | undefined,
): (text: string, where: string) => string {
  if (parameters === undefined) return (text) => text
  return (text, where) =>
    text.replace(/\{\{|\}\}|\{([A-Za-z0-9_-]{1,100})\}|[{}]/g, (found, name?: string) => {
      if (found === '{{' || found === '}}') return found.slice(1)
      const value = name === undefined ? undefined : parameters.get(name)
      if (value !== undefined) return value
      throw refuse(
        'LAYOUT_PARAMETER',
        where,
        name === undefined ? '{name}, {{ or }}' : `a value for ${quote(name)}`,
        name === undefined ? `a brace alone in ${quote(text, 100)}` : 'none',
        name === undefined
          ? 'Have the owner of the layout write braces that stand for themselves twice'
          : `Give the value: --parameter ${name}=VALUE`,
      )
    })
}
