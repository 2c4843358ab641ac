/** One small change of one file that a test should notice. */
export interface Mutant {
  readonly file: string
  /** From 1. */
  readonly line: number
  readonly start: number
  readonly end: number
  readonly replacement: string
  /** The line before and after, for people. */
  readonly before: string
  readonly after: string
}

/** What is flipped, by the text that formatted code has; the text itself is what stands in the first group. */
const flips: readonly (readonly [RegExp, (found: string) => string])[] = [
  [/(?<= )(?:===|!==)(?= )/g, (found) => (found === '===' ? '!==' : '===')],
  [/(?<= )(?:<|<=|>|>=)(?= )/g, (found) => (found.length === 1 ? `${found}=` : found.slice(0, 1))],
  [/(?<= )(?:&&|\|\|)(?= |$)/gm, (found) => (found === '&&' ? '||' : '&&')],
  [/\b(?:true|false)\b/g, (found) => (found === 'true' ? 'false' : 'true')],
  [/\.(?:some|every)\(/g, (found) => (found === '.some(' ? '.every(' : '.some(')],
  [/(?<=[ (])!(?=[a-zA-Z(])/g, () => ''],
  [/(?<=^\s*if \(.*\) )(?:return|throw|continue)\b.*$/g, () => '{}'],
]

/** Lines that are no code, or types only: to change them changes nothing. */
const noCode =
  /^\s*(?:\/\/|\/\*|\*|import\b|export \{|export \*|export type\b|type\b|readonly\b|\| |\/\/)/

/** Every mutant of a file, in the order in which they stand. */
export function mutantsOf(file: string, text: string): readonly Mutant[] {
  const mutants: Mutant[] = []
  const hidden = hiddenIn(text)
  let offset = 0
  for (const [index, before] of text.split('\n').entries()) {
    if (!noCode.test(before)) {
      for (const [pattern, flip] of flips) {
        for (const match of before.matchAll(pattern)) {
          const start = offset + match.index
          if (hidden[start] === 1) continue
          const end = start + match[0].length
          const replacement = flip(match[0])
          const after = `${before.slice(0, match.index)}${replacement}${before.slice(match.index + match[0].length)}`
          mutants.push({ file, line: index + 1, start, end, replacement, before, after })
        }
      }
    }
    offset += before.length + 1
  }
  return mutants.sort((a, b) => a.start - b.start || (a.replacement < b.replacement ? -1 : 1))
}

/** Marks what stands in texts, comments and patterns; what stands in `${}` is code. */
function hiddenIn(text: string): Uint8Array {
  const hidden = new Uint8Array(text.length)
  const token =
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|(?<=[(=:,] ?|^\s*)\/(?![/*])(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/gm
  for (const { index, 0: found } of text.matchAll(token))
    hidden.fill(1, index, index + found.length)
  for (const { index, 0: found } of text.matchAll(/`(?:[^`\\]|\\.)*`/g)) {
    if (hidden[index] === 1) continue
    let depth = 0
    for (let at = index; at < index + found.length; at += 1) {
      if (text.startsWith('${', at)) depth += 1
      else if (text[at] === '}') depth -= 1
      if (depth <= 0) hidden[at] = 1
    }
  }
  return hidden
}

/** The same `count` of them for the same seed, in their order; all, when there are not more. */
export function sample(mutants: readonly Mutant[], count: number, seed: number): readonly Mutant[] {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  const drawn = mutants.map((mutant, at) => ({ mutant, at, by: next() }))
  const chosen = drawn.sort((a, b) => a.by - b.by || a.at - b.at).slice(0, count)
  return chosen.sort((a, b) => a.at - b.at).map(({ mutant }) => mutant)
}
