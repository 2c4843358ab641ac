/** Compares two Debian versions as dpkg does (Debian Policy 5.6.12): negative when `a` is older. */
export function compareDebVersions(a: string, b: string): number {
  const [left, right] = [split(a), split(b)]
  return (
    left.epoch - right.epoch ||
    compareParts(left.upstream, right.upstream) ||
    compareParts(left.revision, right.revision)
  )
}

export type VersionRelation = '<<' | '<=' | '=' | '>=' | '>>'

export function satisfiesVersion(
  version: string,
  relation: VersionRelation,
  wanted: string,
): boolean {
  const order = compareDebVersions(version, wanted)
  switch (relation) {
    case '<<':
      return order < 0
    case '<=':
      return order <= 0
    case '=':
      return order === 0
    case '>=':
      return order >= 0
    case '>>':
      return order > 0
  }
}

function split(version: string): { epoch: number; upstream: string; revision: string } {
  const colon = version.indexOf(':')
  const rest = version.slice(colon + 1)
  const dash = rest.lastIndexOf('-')
  return {
    epoch: colon === -1 ? 0 : Number(version.slice(0, colon)),
    upstream: dash === -1 ? rest : rest.slice(0, dash),
    revision: dash === -1 ? '' : rest.slice(dash + 1),
  }
}

/** Alternating runs of non-digits and digits; `~` sorts before the end, letters before all else. */
function compareParts(a: string, b: string): number {
  const [left, right] = [runsOf(a), runsOf(b)]
  for (let at = 0; at < Math.max(left.length, right.length); at += 1) {
    const [textA, digitsA] = left[at] ?? ['', '']
    const [textB, digitsB] = right[at] ?? ['', '']
    const order = compareText(textA, textB) || compareDigits(digitsA, digitsB)
    if (order !== 0) return order
  }
  return 0
}

function runsOf(text: string): [string, string][] {
  return [...text.matchAll(/(\D*)(\d*)/g)].map(([, before = '', digits = '']) => [before, digits])
}

function compareText(a: string, b: string): number {
  for (let at = 0; at < Math.max(a.length, b.length); at += 1) {
    const order = weight(a[at]) - weight(b[at])
    if (order !== 0) return order
  }
  return 0
}

function weight(character: string | undefined): number {
  if (character === undefined) return 0
  if (character === '~') return -1
  const code = character.charCodeAt(0)
  return /[A-Za-z]/.test(character) ? code : code + 256
}

function compareDigits(a: string, b: string): number {
  const [left, right] = [a.replace(/^0+/, ''), b.replace(/^0+/, '')]
  if (left.length !== right.length) return left.length - right.length
  return left < right ? -1 : left > right ? 1 : 0
}
