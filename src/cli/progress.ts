import type { BuildEvent } from '#app'
import { formatBytes } from './duration.ts'
import { escapeLine } from './escape.ts'

/** What a person who waits sees of a build, one line at a time. */
export function progressOf(event: BuildEvent): string | undefined {
  switch (event.kind) {
    case 'source':
      return `source ${event.source.commit.slice(0, 12)}`
    case 'material':
    case 'root-material': {
      const { id, done, total, size, provenience } = event.progress
      const how = provenience.from === 'store' ? 'verified' : 'downloaded and verified'
      return `${how} ${done} of ${total}: ${escapeLine(id)} (${formatBytes(size)})`
    }
    case 'root-measured':
      return 'the pinned root cannot be had; measuring what is installed here'
    case 'step-started':
      return `step ${event.step}: started`
    case 'step-output':
      return `step ${event.step}: ${lastLine(event.chunk)}`
    case 'step-finished':
      return `step ${event.step}: ${event.outcome}`
  }
}

function lastLine(chunk: Uint8Array): string {
  const lines = Buffer.from(chunk)
    .toString('utf8')
    .split(/[\r\n]/)
  return escapeLine(lines.findLast((line) => line.trim() !== '')?.trim() ?? '…')
}
