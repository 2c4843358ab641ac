const start = /\{(?:\s|\/\/[^\n]*\n)*(?:\.\.\.\w+,\s*)?code\s*(?::|,)/g

/** Puts every object literal that has the fields of a Problem through a function that notes it. */
export function wrapProblems(text: string): string {
  const parts: string[] = []
  let done = 0
  for (const { index } of text.matchAll(start)) {
    if (index < done) continue
    const end = closing(text, index)
    const literal = text.slice(index, end)
    if (end === -1 || !isProblem(literal, text.slice(Math.max(0, index - 40), index))) continue
    parts.push(text.slice(done, index), `globalThis.__noteProblem(${literal})`)
    done = end
  }
  return [...parts, text.slice(done)].join('')
}

/** A literal has commas between its fields, a type has not; a pattern to destructure stands in no call of ours. */
function isProblem(literal: string, before: string): boolean {
  const names = ['where', 'expected', 'found', 'fix']
  const isType = /\bcode: \w+(?:\s*;|\n\s*(?:readonly )?\w+:)/.test(literal)
  // What a spread brings is looked at when it is there.
  const isWhole =
    literal.includes('...') ||
    names.every((name) => new RegExp(`[\\s{,]${name}(?::|,|\\s*\\})`).test(literal))
  const isPattern = !literal.includes(':') && !/(?:SallyportError\(|return )\s*$/.test(before)
  return isWhole && !isType && !isPattern
}

/** The end of what opens at `open`, past strings, templates and comments; -1 when it never closes. */
function closing(text: string, open: number): number {
  let depth = 0
  for (let at = open; at < text.length; at += 1) {
    const here = text[at] ?? ''
    if (here === "'" || here === '"') at = endOfString(text, at, here)
    else if (here === '`') at = endOfTemplate(text, at)
    else if (here === '/' && text[at + 1] === '/') at = text.indexOf('\n', at)
    else if ('{(['.includes(here)) depth += 1
    else if ('})]'.includes(here)) {
      depth -= 1
      if (depth === 0) return at + 1
    }
    if (at < 0) return -1
  }
  return -1
}

function endOfString(text: string, open: number, mark: string): number {
  for (let at = open + 1; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1
    else if (text[at] === mark) return at
  }
  return -1
}

function endOfTemplate(text: string, open: number): number {
  for (let at = open + 1; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1
    else if (text[at] === '`') return at
    else if (text[at] === '$' && text[at + 1] === '{') at = closing(text, at + 1) - 1
  }
  return -1
}
