import type { VerifyReport } from '../verify.ts'

/** One line of the story that `up` tells, with what was really seen. */
export interface StoryLine {
  /** From 1 on. */
  readonly step: number
  readonly name: string
  readonly text: string
  /** More about it, each a line of its own. */
  readonly notes: readonly string[]
  readonly milliseconds: number
  /** The decision that the line is about. */
  readonly report?: VerifyReport
}

/** A command that works as it stands, apart from how Sallyport is called here. */
export interface NextCommand {
  readonly what: string
  readonly command: string
}

/** The whole story, for programs. */
export interface StoryReport {
  readonly lines: readonly StoryLine[]
  /** Path of the artifact. */
  readonly artifact: string
  readonly sha256: string
  readonly next: readonly NextCommand[]
  /** 0 when the log is whole and staging, which asks for nothing but a build from here, allowed it. */
  readonly exit: 0 | 1 | 2 | 3
  readonly milliseconds: number
}

/** Tells lines in order, each with the time since the one before. */
export class Teller {
  readonly lines: StoryLine[] = []
  readonly #onLine: (line: StoryLine) => void
  readonly #started = performance.now()
  #last = this.#started

  constructor(onLine: (line: StoryLine) => void) {
    this.#onLine = onLine
  }

  say(line: Pick<StoryLine, 'name' | 'text'> & Partial<Pick<StoryLine, 'notes' | 'report'>>): void {
    const now = performance.now()
    const milliseconds = Math.round(now - this.#last)
    this.#last = now
    const told = { step: this.lines.length + 1, notes: [], ...line, milliseconds }
    this.lines.push(told)
    this.#onLine(told)
  }

  /** Whether there is a line of this name already. */
  told(name: string): boolean {
    return this.lines.some((line) => line.name === name)
  }

  get milliseconds(): number {
    return Math.round(performance.now() - this.#started)
  }
}
