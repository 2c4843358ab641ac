import { catalogue, escapeLine, type Problem } from '#error'

const maxText = 500

/** A problem in one line, as npm shows it behind the address that it asked for. */
export function reasonOf({ code, where, expected, found, fix }: Problem): string {
  const short = (text: string): string =>
    text.length > maxText ? `${text.slice(0, maxText)}…` : text
  const place = where === undefined ? '' : ` ${short(where)}:`
  return escapeLine(
    `${code} (${catalogue[code].title}):${place} expected ${short(expected)}; found ${short(found)}; fix: ${fix}`,
  )
}
