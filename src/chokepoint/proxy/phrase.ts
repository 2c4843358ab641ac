// An event of Kubernetes has 1024 characters, some of them for whoever shows it.
const startCharacters = 200
const endCharacters = 500

/**
 * What stands behind the status in the first line of a refusal (reason phrase; RFC 9112, 4): one line of ASCII. Clients that show no body
 * show it: containerd, which asks for the head of a manifest first, pnpm, Yarn. What is too long loses its middle, because the fix
 * stands at the end.
 */
export function phraseOf(reason: string): string {
  const line = reason
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .toWellFormed()
    .replaceAll(/[^\x20-\x7e]/g, '?')
  if (line.length <= startCharacters + endCharacters) return line
  return `${line.slice(0, startCharacters)} ... ${line.slice(-endCharacters)}`
}
