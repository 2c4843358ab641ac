import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * The words of a recipe of docs/ci.md, behind `sallyport gate`: what stands there for an example is replaced, and
 * `more` stands before the command.
 */
export function recipe(
  what: string,
  examples: Readonly<Record<string, string>>,
  more: readonly string[] = [],
): readonly string[] {
  const page = readFileSync(join(import.meta.dirname, '../../docs/ci.md'), 'utf8')
  const row = page.split('\n').find((line) => line.startsWith(`| ${what} `))
  const [, text] = /`([^`]+ -- [^`]+)`/.exec(row ?? '') ?? []
  if (text === undefined) throw new Error(`docs/ci.md has no recipe "${what}"`)
  let filled = text
  for (const [example, real] of Object.entries(examples)) {
    if (!text.includes(example)) throw new Error(`"${text}" has no ${example}`)
    filled = filled.replaceAll(example, real)
  }
  const words = filled.split(' ')
  const at = words.indexOf('--')
  return [...words.slice(0, at), '--service', 'shop', ...more, ...words.slice(at)]
}
