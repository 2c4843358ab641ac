import type { LoggedBuild } from '#app'
import type { JsonObject } from '#document'
import { escapeLine } from '../../escape.ts'
import type { Outcome } from '../../outcome.ts'
import { plural, type Look } from '../../render.ts'
import type { Session } from '../../session.ts'
import { table } from '../../table.ts'

/** `sallyport log builds`: who asked for which build, from what, and how it ended. */
export async function builds(
  session: Session,
  { limit }: { readonly limit: number },
): Promise<Outcome> {
  const { logBuilds } = await import('#app')
  const found = await logBuilds(await session.config(), { limit })
  const look = session.outLook()
  const total = `${found.length} ${plural(found.length, 'build')}`
  return {
    exit: 0,
    json: {
      apiVersion: 'sallyport.dev/v1',
      kind: 'LogBuilds',
      builds: JSON.parse(JSON.stringify(found)) as JsonObject[],
    },
    text: found.length === 0 ? total : `${table(found.map((one) => row(one, look)))}\n\n${total}`,
  }
}

function row(one: LoggedBuild, look: Look): string[] {
  const { begun, defined } = one
  const { requester = '', principal } = begun?.trigger ?? {}
  const { paint } = look
  return [
    paint.faint(String(begun?.index ?? '')),
    paint.faint((begun?.time ?? '').slice(0, 19).concat('Z')),
    outcomeOf(one, look),
    escapeLine(principal === undefined ? requester : whoOf(requester, principal)),
    escapeLine(whatOf(one)),
    paint.faint(defined === undefined ? '' : `definition ${defined.definition.slice(0, 12)}…`),
  ]
}

/** What is proven comes first; what somebody calls themselves stands behind it. */
function whoOf(requester: string, principal: string): string {
  return principal === `os:${requester}` ? principal : `${principal} (says ${requester})`
}

function whatOf({ begun, defined }: LoggedBuild): string {
  if (defined !== undefined) {
    const { uri, commit, ref = '' } = defined.source
    return `${uri} ${ref} ${commit.slice(0, 12)}`.replaceAll('  ', ' ')
  }
  const { repository = '', revision = '' } = begun?.request ?? {}
  return `${repository} ${revision}`
}

function outcomeOf({ ended }: LoggedBuild, { paint }: Look): string {
  if (ended === undefined) return paint.bad('no end')
  if (ended.outcome === 'failed') return paint.bad(`failed ${ended.problems.join(', ')}`)
  const { record } = ended
  const missing = record !== undefined && 'missing' in record
  return missing
    ? `${paint.good(ended.outcome)}, ${paint.bad('not recorded elsewhere')}`
    : paint.good(ended.outcome)
}
