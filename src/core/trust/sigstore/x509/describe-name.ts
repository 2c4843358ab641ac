import { quote } from '#error'
import { readDer, tags } from '../der/reader.ts'
import { oidOf, readOid, type Oid } from '../der/values.ts'

const labels: ReadonlyMap<Oid, string> = new Map([
  [oidOf('2.5.4.3'), 'CN'],
  [oidOf('2.5.4.10'), 'O'],
  [oidOf('2.5.4.11'), 'OU'],
  [oidOf('2.5.4.6'), 'C'],
])

/** A distinguished name for messages; whatever cannot be read is left out. */
export function describeName(name: Uint8Array): string {
  const found: string[] = []
  try {
    const sets = readDer(name, tags.sequence, 'name').children()
    while (!sets.isDone && found.length < 8) {
      const pair = sets.read(tags.set).children().read(tags.sequence).children()
      const label = labels.get(readOid(pair))
      const value = pair.readAny().content.toString('utf8')
      if (label !== undefined) found.push(`${label}=${value}`)
    }
  } catch {
    // A name that cannot be read is shown as far as it can.
  }
  return found.length === 0 ? 'a name without parts' : quote(found.join(', '))
}
