import { quote, type Problem } from '#error'
import type { Target } from '#policy'

/** Which target a name belongs to: one that is listed exactly, else the longest prefix that fits. */
export interface NameMapping {
  /** The configuration, for whoever has to change it. */
  readonly file: string
  /** The list in it, such as `proxies.oci.targets`. */
  readonly where: string
  readonly exact: ReadonlyMap<string, Target>
  /** Each ends where a part of the name ends (`registry.example/acme/`), and stands for everything below. */
  readonly prefixes: ReadonlyMap<string, Target>
}

/** The target of a name, or why it has none: what nobody has assigned is handed out to nobody. */
export function targetOf(name: string, mapping: NameMapping): Target | Problem {
  const exact = mapping.exact.get(name)
  if (exact !== undefined) return exact
  const fitting = [...mapping.prefixes.keys()].filter((prefix) => name.startsWith(prefix))
  const longest = fitting.reduce((best, one) => (one.length > best.length ? one : best), '')
  return mapping.prefixes.get(longest) ?? unassigned(name, mapping)
}

function unassigned(name: string, { file, where }: NameMapping): Problem {
  return {
    code: 'PROXY_TARGET',
    where: quote(name, 300),
    expected: `a target for it under ${where}`,
    found: 'none that names it, and no prefix of it',
    fix: `Add ${quote(name, 300)} with its environment and service to ${where} in ${file}`,
  }
}
