/** One command of a story, and what is expected of it. */
export interface Step {
  readonly command: string
  readonly words: readonly string[]
  readonly line: number
  readonly exit: number
  readonly stdout?: readonly string[]
  readonly stderr?: readonly string[]
  readonly json: readonly { readonly path: string; readonly value: unknown }[]
  /** Comments and blank lines that stand before the command. */
  readonly before: readonly string[]
}

export interface Story {
  readonly steps: readonly Step[]
  readonly files: ReadonlyMap<string, string>
  /** The text from the first file on, kept as it is. */
  readonly tail: string
}

/** Reads a story; see run.test.ts for the format. */
export function parseStory(text: string, file: string): Story {
  const start = /^-- .+ --$/m.exec(text)?.index ?? text.length
  const steps: Step[] = []
  let before: string[] = []
  for (const [index, line] of text.slice(0, start).split('\n').entries()) {
    if (line.startsWith('$ ')) {
      steps.push(newStep(line.slice(2), index + 1, before))
      before = []
    } else if (line === '' || line.startsWith('#')) before.push(line)
    else {
      const step = steps.pop()
      if (step === undefined || before.some((each) => each.startsWith('#')))
        throw new SyntaxError(`${file}:${index + 1}: "${line}" belongs to no command`)
      steps.push(withLine(step, line, `${file}:${index + 1}`))
    }
  }
  return { steps, files: filesOf(text.slice(start)), tail: text.slice(start) }
}

/** Writes a story the way parseStory reads it. */
export function formatStory(story: Story): string {
  const lines = story.steps.flatMap((step) => [
    ...step.before,
    `$ ${step.command}`,
    ...(step.exit === 0 ? [] : [`? ${step.exit}`]),
    ...(step.stdout ?? []).map((line) => `> ${line}`.trimEnd()),
    ...(step.stderr ?? []).map((line) => `! ${line}`.trimEnd()),
    ...step.json.map(({ path, value }) => `@ ${path} = ${JSON.stringify(value)}`),
  ])
  const tail = story.tail === '' ? '' : `\n${story.tail}`
  return `${lines.join('\n')}\n${tail}`
}

function newStep(command: string, line: number, before: readonly string[]): Step {
  return { command, words: wordsOf(command), line, exit: 0, json: [], before }
}

function withLine(step: Step, line: string, at: string): Step {
  const rest = line.slice(2)
  switch (line.slice(0, 1)) {
    case '?':
      return { ...step, exit: Number(rest) }
    case '>':
      return { ...step, stdout: [...(step.stdout ?? []), rest] }
    case '!':
      return { ...step, stderr: [...(step.stderr ?? []), rest] }
    case '@': {
      const [path = '', value = ''] = rest.split(/ = (.*)/s)
      return { ...step, json: [...step.json, { path, value: JSON.parse(value) as unknown }] }
    }
    default:
      throw new SyntaxError(`${at}: a line begins with one of # $ ? > ! @`)
  }
}

/** Splits like a shell, as far as quotes go. */
function wordsOf(command: string): string[] {
  const words = command.match(/(?:"[^"]*"|'[^']*'|[^\s"']+)+/g) ?? []
  return words.map((word) =>
    word.replace(
      /"([^"]*)"|'([^']*)'/g,
      (_, double?: string, single?: string) => double ?? single ?? '',
    ),
  )
}

function filesOf(text: string): Map<string, string> {
  const files = new Map<string, string>()
  const parts = text.split(/^-- (.+) --\n/m)
  for (let index = 1; index < parts.length; index += 2) {
    files.set(parts[index] ?? '', parts[index + 1] ?? '')
  }
  return files
}
