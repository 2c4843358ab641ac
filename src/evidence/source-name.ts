import type { Source } from './gather.ts'
import { placeOf } from './source-options.ts'

/** What its row is called. */
export function nameOfSource(source: Source): string {
  switch (source.kind) {
    case 'beside':
      return source.bundles === undefined || source.bundles.length === 0
        ? `beside ${source.artifact}`
        : source.bundles.join(', ').slice(0, 500)
    case 'registry':
      return source.reference.slice(0, 500)
    case 'npm':
      return `${placeOf(source.registry)} ${source.name}@${source.version}`.slice(0, 500)
    case 'directory':
      return source.folder
    case 'http':
      return placeOf(source.base)
    case 'annotation':
      return `annotation ${source.name}`.slice(0, 500)
  }
}
