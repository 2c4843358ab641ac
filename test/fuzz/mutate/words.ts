import type { Random } from '../random.ts'

/** Texts on which readers of text have stumbled before. */
const odd: readonly string[] = [
  '',
  ' ',
  '\t',
  '\n',
  '\r\n',
  '\u0000',
  '\u001b[2J',
  '\u007f',
  '\u0085',
  '\u00a0',
  '\u00ad',
  '\u200b',
  '\u202e',
  '\u2028',
  '\ufeff',
  '\uffff',
  '\ud800',
  '\u{1f4a9}',
  'e\u0301',
  'ſ',
  'K',
  'İ',
  '../',
  '..',
  '/',
  '//',
  '\\',
  '%00',
  '%2f',
  '%',
  '%%',
  '%c0%af',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'null',
  'NaN',
  'true',
  '0',
  '-0',
  '-1',
  '00',
  '1e9999',
  '9007199254740993',
  '18446744073709551616',
  '0x10',
  '1.',
  '.5',
  'A'.repeat(300),
  '@',
  '#',
  '?',
  ':',
  ';',
  ',',
  '*',
  '&a',
  '!!js/function',
  '<<',
  '---\n',
  '{{',
  '${x}',
  '$(id)',
  '`id`',
  "'",
  '"',
  '{',
  '}',
  '[',
  ']',
  '(',
  ')',
  '==',
  '====',
  '-',
  '_',
  '+',
  '~',
  '|',
  '>',
  '<',
  'pkg:',
  'sha256:',
  'git+https://',
  'https://user:pass@host/',
  'file:///etc/passwd',
  'http://[::1]:99999/',
  'http://169.254.169.254/',
  '2026-02-30T00:00:00Z',
  '2026-06-30T23:59:60Z',
  '9999-12-31T23:59:59Z',
  '0000-01-01T00:00:00Z',
  '+275760-09-13T00:00:00.001Z',
  'MIT AND (Apache-2.0 OR GPL-2.0-only WITH Classpath-exception-2.0)',
  '>=1.0.0 <2.0.0 || 3',
  '1:2.3-4~rc1+b1',
]

/** What patterns repeat: many of one of these is what makes a matcher try for ever. */
const alphabet = [
  'x',
  '9',
  '0',
  ' ',
  '\t',
  '\n',
  '.',
  '-',
  '_',
  ',',
  ';',
  ':',
  '/',
  '"',
  "'",
  '=',
  '%',
  '~',
  '+',
  '(',
  '<a>',
  '[a]',
  'a.',
  'a-',
  '1.',
  ' a',
  'MIT OR ',
  '..',
]

export function oddText(random: Random): string {
  if (random.once(25))
    return random.pick(alphabet).repeat(1 + random.below(random.pick([60, 500, 500, 30_000])))
  if (random.once(40)) return random.pick(['(', '[', '{', '../', 'a.', '%25', '- ']).repeat(5000)
  return random.pick(odd)
}

/** Changes in a text: odd words put in or in place of others, parts twice, parts gone, other case, look-alikes. */
export function mutateText(text: string, others: readonly string[], random: Random): string {
  const at = random.below(text.length + 1)
  const until = at + random.below(Math.min(16, text.length - at) + 1)
  switch (random.below(10)) {
    case 0:
      return text.slice(0, at) + oddText(random) + text.slice(at)
    case 1:
      return text.slice(0, at) + oddText(random) + text.slice(until)
    case 2:
      return text.slice(0, at) + text.slice(until)
    case 3:
      return text.slice(0, until) + text.slice(at)
    case 4:
      return text.slice(0, at) + text.slice(at, until).toUpperCase() + text.slice(until)
    case 5:
      return text.slice(0, at) + random.pick([text, ...others]).slice(-random.below(200))
    case 6:
      return changedNumber(text, random)
    case 7:
      return swappedWords(text, random)
    case 8:
      return text + random.pick(['\n', ' ', '\u0000', text, '/', '.'])
    default:
      return text.slice(0, at) + String.fromCharCode(random.below(0x250)) + text.slice(at + 1)
  }
}

function changedNumber(text: string, random: Random): string {
  const numbers = [...text.matchAll(/\d+/g)]
  if (numbers.length === 0) return `${text}0`
  const { 0: old, index } = random.pick(numbers)
  const next = random.pick(['0', '-1', `${old}0`, `0${old}`, '4294967296', '9'.repeat(400), '1e3'])
  return text.slice(0, index) + next + text.slice(index + old.length)
}

function swappedWords(text: string, random: Random): string {
  const parts = text.split(/(\W)/)
  const [a, b] = [random.below(parts.length), random.below(parts.length)]
  return parts
    .map((part, index) => (index === a ? parts[b] : index === b ? parts[a] : part))
    .join('')
}
