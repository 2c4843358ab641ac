/** One simple command of a shell text, as far as it can be read without running it. */
export interface SimpleCommand {
  /** The words, quotes taken off, assignments in front included. */
  readonly words: readonly string[]
  /** Its input is the output of the command before it. */
  readonly piped: boolean
}

interface Reader {
  readonly text: string
  at: number
  readonly commands: SimpleCommand[]
  words: string[]
  word: string | undefined
  piped: boolean
  /** How many substitutions it stands in. */
  readonly depth: number
}

// Nobody writes so; whoever does wants the reader to run out of something.
const maxDepth = 32
const maxLength = 64 * 1024

/**
 * Splits a shell text into its simple commands, those inside `$(…)`, backticks and `<(…)` included. It is a reader for
 * finding things, not a shell: whatever it cannot tell apart it takes for a word.
 */
export function readShell(text: string): SimpleCommand[] {
  return readNested(text, 0)
}

function readNested(text: string, depth: number): SimpleCommand[] {
  const reader: Reader = {
    text: text.slice(0, maxLength),
    at: 0,
    commands: [],
    words: [],
    word: undefined,
    piped: false,
    depth,
  }
  while (reader.at < reader.text.length) step(reader)
  endCommand(reader, false)
  return reader.commands
}

function step(reader: Reader): void {
  const { text, at } = reader
  const character = text[at] ?? ''
  const opening = openingAt(reader)
  if (opening !== undefined) return substitution(reader, opening)
  if (character === '\\') return take(reader, text[at + 1] ?? '', 2)
  if (character === "'" || character === '"') return quoted(reader, character)
  if (character === '#' && reader.word === undefined) return comment(reader)
  if (/[ \t\r]/.test(character)) return endWord(reader, 1)
  if (/[;&|\n(){}]/.test(character)) return operator(reader, character)
  take(reader, character, 1)
}

function openingAt({ text, at, depth }: Reader): string | undefined {
  if (depth >= maxDepth) return undefined
  return /^(?:\$\(|<\(|>\(|`)/.exec(text.slice(at, at + 2))?.[0]
}

function take(reader: Reader, text: string, length: number): void {
  reader.word = (reader.word ?? '') + text
  reader.at += length
}

function endWord(reader: Reader, length: number): void {
  if (reader.word !== undefined) reader.words.push(reader.word)
  reader.word = undefined
  reader.at += length
}

function endCommand(reader: Reader, pipes: boolean): void {
  endWord(reader, 0)
  if (reader.words.length > 0) reader.commands.push({ words: reader.words, piped: reader.piped })
  reader.words = []
  reader.piped = pipes
}

function operator(reader: Reader, character: string): void {
  const double = reader.text.startsWith(character.repeat(2), reader.at) && /[;&|]/.test(character)
  // `{}` and `${` are parts of words (find -exec, parameters).
  if (/[{}]/.test(character) && reader.word !== undefined) return take(reader, character, 1)
  const both = reader.text.startsWith('|&', reader.at)
  endCommand(reader, character === '|' && !double)
  reader.at += double || both ? 2 : 1
}

function comment(reader: Reader): void {
  const end = reader.text.indexOf('\n', reader.at)
  reader.at = end === -1 ? reader.text.length : end
}

function quoted(reader: Reader, quote: string): void {
  let end = reader.at + 1
  while (end < reader.text.length && reader.text[end] !== quote)
    end += quote === '"' && reader.text[end] === '\\' ? 2 : 1
  const inside = reader.text.slice(reader.at + 1, end)
  if (quote === '"') reader.commands.push(...insideQuotes(inside, reader.depth + 1))
  take(reader, inside, end + 1 - reader.at)
}

/** What double quotes do not keep from running. */
function insideQuotes(text: string, depth: number): SimpleCommand[] {
  if (depth > maxDepth) return []
  return [...text.matchAll(/\$\(([^)]*)\)|`([^`]*)`/g)].flatMap(([, first, second]) =>
    readNested(first ?? second ?? '', depth),
  )
}

function substitution(reader: Reader, opening: string): void {
  const start = reader.at + opening.length
  const end = opening === '`' ? reader.text.indexOf('`', start) : closing(reader.text, start)
  const stop = end === -1 ? reader.text.length : end
  const inner = readNested(reader.text.slice(start, stop), reader.depth + 1)
  reader.commands.push(...inner)
  take(reader, reader.text.slice(reader.at, stop + 1), stop + 1 - reader.at)
}

function closing(text: string, start: number): number {
  let depth = 1
  for (let at = start; at < text.length; at += 1) {
    if (text[at] === '(') depth += 1
    if (text[at] === ')') depth -= 1
    if (depth === 0) return at
  }
  return -1
}
