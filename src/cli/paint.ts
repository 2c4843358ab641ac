import { styleText } from 'node:util'

/** How texts are coloured. Where colour is not wanted every function returns its argument. */
export interface Paint {
  readonly good: (text: string) => string
  readonly bad: (text: string) => string
  readonly warn: (text: string) => string
  readonly strong: (text: string) => string
  readonly faint: (text: string) => string
  readonly command: (text: string) => string
}

type Format = Parameters<typeof styleText>[0]

/** Colours for one stream: none unless it is a terminal that has them; NO_COLOR and FORCE_COLOR are obeyed. */
export function paintFor(stream: NodeJS.WriteStream): Paint {
  const style = (format: Format) => (text: string) => styleText(format, text, { stream })
  return {
    good: style(['bold', 'green']),
    bad: style(['bold', 'red']),
    warn: style(['bold', 'yellow']),
    strong: style('bold'),
    faint: style('dim'),
    command: style('cyan'),
  }
}

const same = (text: string): string => text

/** No colour at all. */
export const plain: Paint = {
  good: same,
  bad: same,
  warn: same,
  strong: same,
  faint: same,
  command: same,
}
