import { resolve } from 'node:path'
import { InvalidArgumentError } from 'commander'
import type { TokenReport } from '#app'
import type { JsonObject } from '#document'
import { escapeJson } from '#error'
import { escapeLine } from '../../escape.ts'
import type { Outcome } from '../../outcome.ts'
import type { Session } from '../../session.ts'

export interface TokenOptions {
  readonly role: readonly string[]
  readonly days: number
  readonly output: string
}

export const addRole = (text: string, previous: readonly string[] = []): readonly string[] => [
  ...previous,
  text,
]

export function parseDays(text: string): number {
  if (/^[1-9][0-9]{0,3}$/.test(text) && Number(text) <= 3660) return Number(text)
  throw new InvalidArgumentError('1 to 3660 days')
}

/** `sallyport access token`: needs no home, because a token is made where it is used. */
export async function makeToken(
  session: Session,
  name: string,
  { role, days, output }: TokenOptions,
): Promise<Outcome> {
  const app = await import('#app')
  const file = resolve(session.cwd, output)
  const made = await app.makeToken({ name, roles: role, days, now: session.now(), file })
  const report = { ...made, file: output }
  const body = JSON.parse(JSON.stringify(report)) as JsonObject
  return {
    exit: 0,
    json: { apiVersion: 'sallyport.dev/v1', kind: 'AccessTokenReport', ...body },
    text: [
      `sallyport: ${session.outLook().paint.good('made')}: ${escapeLine(output)}, which only you can read`,
      '',
      'The gate is told of it in `sallyport.yaml`, below `access`, and started again:',
      '',
      '  tokens:',
      `    - ${entryText(report.entry)}`,
    ].join('\n'),
  }
}

/** One line of YAML: in quotes no name means something else. */
function entryText({ name, sha256, roles: may, expires }: TokenReport['entry']): string {
  const quoted = escapeJson(JSON.stringify(name))
  return `{ name: ${quoted}, sha256: ${sha256}, roles: [${may.join(', ')}], expires: ${expires} }`
}
