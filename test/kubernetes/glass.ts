import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { breakglassStatement, predicateTypes, type Breakglass } from '#attestation'
import { parseEvent, type SecurityEvent } from '#breakglass'
import {
  bundleBytes,
  keyEntry,
  makeKey,
  type TestKey,
} from '../../src/core/trust/testing/fixtures.ts'
import type { World } from './world.ts'

/** Who may grant in the cluster of the tests, and some who may not. */
export const people = {
  erin: makeKey(),
  /** Erin's key of last year. */
  retired: makeKey(),
  /** The one who deploys, with a key for grants of their own. */
  administrator: makeKey(),
  /** Somebody with a key for other grants. */
  frank: makeKey(),
  mallory: makeKey(),
} as const

/** A pager, and what it has heard, each alarm once. */
export interface Pager {
  readonly heard: SecurityEvent[]
  /** Called with each as it comes; the pager answers when it is done. */
  onHeard: (event: SecurityEvent) => Promise<void>
  readonly port: number
  close(): void
}

export async function startPager(): Promise<Pager> {
  const pager = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const event = parseEvent(Buffer.concat(chunks))
      // The gate and a command of the same home may both tell it: the same id is the same alarm.
      if (started.heard.every(({ id }) => id !== event.id)) started.heard.push(event)
      void started.onHeard(event).then(() => response.writeHead(204).end())
    })
  })
  await new Promise<void>((resolve) => pager.listen(0, '127.0.0.1', resolve))
  const { port } = pager.address() as AddressInfo
  const started: Pager = {
    heard: [],
    onHeard: () => Promise.resolve(),
    port,
    close() {
      pager.closeAllConnections()
      pager.close()
    },
  }
  return started
}

/** Lets `sre` break the glass of staging/shop; before the gate starts. */
export function offerBreakglass({ home }: World, pager: Pager): void {
  const signer = (keys: readonly object[]) =>
    JSON.stringify({ keys, predicateTypes: [predicateTypes.breakglass] })
  const { erin, retired, administrator, frank } = people
  const retiredAt = new Date(Date.now() - 86_400_000).toISOString()
  const sre = signer([
    keyEntry(erin, { owner: 'erin' }),
    keyEntry(retired, { owner: 'erin', retired: retiredAt }),
    keyEntry(administrator, { owner: 'administrator' }),
  ])
  const trust = join(home, 'trust.yaml')
  const entries = `signers:\n  sre: ${sre}\n  others: ${signer([keyEntry(frank, { owner: 'frank' })])}\n`
  writeFileSync(trust, readFileSync(trust, 'utf8').replace('signers:\n', entries))
  const terms = '\nbreakglass: {approvers: [sre], maxDuration: 2h}\n'
  appendFileSync(join(home, 'policies/staging.yaml'), terms)
  const alarms = `\nalarms: {webhook: [{url: 'http://127.0.0.1:${pager.port}/'}], maxPerEnvironmentPerDay: 50}\n`
  appendFileSync(join(home, 'sallyport.yaml'), alarms)
}

/** A grant for an image by its digest; the annotation value is its base64. */
export function granted(
  image: string,
  rules: readonly string[],
  more: Partial<Breakglass> = {},
  key: TestKey = people.erin,
): Buffer {
  const now = Date.now()
  const statement = breakglassStatement([{ name: 'shop', digest: { sha256: digestOf(image) } }], {
    requester: 'dave',
    approver: 'somebody with a key',
    environment: 'staging',
    service: 'shop',
    rules,
    reason: 'checkout is down',
    incident: 'INC-17',
    notBefore: new Date(now - 60_000).toISOString(),
    expires: new Date(now + 3_600_000).toISOString(),
    ...more,
  })
  return Buffer.from(bundleBytes(statement, key))
}

export function digestOf(image: string): string {
  return image.split('@sha256:')[1] ?? ''
}
