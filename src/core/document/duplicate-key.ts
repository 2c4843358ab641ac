/**
 * Finds the first key that stands twice in one object of a well-formed JSON text. Only called to explain a
 * refusal, so clarity goes before speed.
 */
export function findDuplicateKey(text: string): string | undefined {
  const open: Set<string>[] = []
  const token = /"(?:[^"\\]|\\.)*"|[{}[\]]/gs
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const [word] = match
    if (word === '{' || word === '[') open.push(new Set())
    else if (word === '}' || word === ']') open.pop()
    else if (isKey(text, token.lastIndex)) {
      const key = JSON.parse(word) as string
      const seen = open.at(-1)
      if (seen?.has(key) === true) return key
      seen?.add(key)
    }
  }
  return undefined
}

function isKey(text: string, after: number): boolean {
  let index = after
  while (' \t\r\n'.includes(text[index] ?? 'x')) index += 1
  return text[index] === ':'
}
