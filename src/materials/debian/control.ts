/** One paragraph of Debian control data; field names in lower case, folded lines joined by line feeds. */
export type Paragraph = ReadonlyMap<string, string>

/** Reads control data (deb822): paragraphs of `Field: value` lines, comments left out. */
export function parseParagraphs(text: string): Paragraph[] {
  return text
    .split(/\n[ \t]*\n/)
    .map(parseParagraph)
    .filter((paragraph) => paragraph.size > 0)
}

export function parseParagraph(text: string): Paragraph {
  const fields = new Map<string, string>()
  let last: string | undefined
  for (const line of text.split('\n')) {
    if (line.startsWith('#')) continue
    if (/^[ \t]/.test(line)) {
      if (last !== undefined) fields.set(last, `${fields.get(last)}\n${line.trim()}`)
      continue
    }
    const [, name, value] = /^([!-9;-~]+):(.*)$/.exec(line.trimEnd()) ?? []
    if (name === undefined || value === undefined) continue
    last = name.toLowerCase()
    fields.set(last, value.trimStart())
  }
  return fields
}
