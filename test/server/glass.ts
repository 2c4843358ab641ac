import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { logShow } from '#app'
import { breakglassStatement, predicateTypes, type Breakglass } from '#attestation'
import { parseEvent, type SecurityEvent } from '#breakglass'
import { loadConfig } from '#config'
import type { Decision } from '#decision'
import { signed, trustEntries } from '../../src/core/decision/testing/fixtures.ts'
import {
  keyEntry,
  makeKey,
  trustBytes,
  type TestKey,
} from '../../src/core/trust/testing/fixtures.ts'
import { call, review, until, type GateHome } from './gate.ts'

export const approver = makeKey()
/** May sign grants, and is among the approvers of no policy. */
export const mallory = makeKey()

/** A pager, and what it has heard. */
export interface Pager {
  readonly heard: SecurityEvent[]
  isDown: boolean
  /** What makes a home tell it, in `sallyport.yaml`. */
  readonly settings: string
  close(): void
}

export async function startPager(): Promise<Pager> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      if (!pager.isDown) pager.heard.push(parseEvent(Buffer.concat(chunks)))
      response.writeHead(pager.isDown ? 503 : 204).end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const pager: Pager = {
    heard: [],
    isDown: false,
    settings: `alarms: {webhook: [{url: 'http://127.0.0.1:${port}/'}]}\n`,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
  return pager
}

/** Lets erin break the glass of the one policy; before the gate starts. */
export function offerBreakglass({ folder }: Pick<GateHome, 'folder'>): void {
  const signer = (key: TestKey, owner: string) => ({
    keys: [keyEntry(key, { owner })],
    predicateTypes: [predicateTypes.breakglass],
  })
  const glass = { sre: signer(approver, 'erin'), others: signer(mallory, 'mallory') }
  writeFileSync(join(folder, 'trust.yaml'), trustBytes({ ...trustEntries, ...glass }))
  const policy = join(folder, 'policies/production.yaml')
  writeFileSync(policy, `${readFileSync(policy, 'utf8')}breakglass: {approvers: [sre]}\n`)
}

export const target = { environment: 'production', service: 'shop' }

/** The digest of something that was never seen. */
export const fresh = (): string => randomBytes(32).toString('hex')

export function granted(digest: string, more: Partial<Breakglass> = {}, key = approver): string {
  const now = Date.now()
  const statement = breakglassStatement([{ name: 'shop', digest: { sha256: digest } }], {
    requester: 'dave',
    approver: 'erin',
    ...target,
    rules: ['require[0].allowed'],
    reason: 'checkout is down',
    incident: 'INC-17',
    notBefore: new Date(now - 60_000).toISOString(),
    expires: new Date(now + 3_600_000).toISOString(),
    ...more,
  })
  return Buffer.from(signed(statement, key).bytes).toString()
}

/** The annotation that carries a grant. */
export function carrying(grant: string): Record<string, string> {
  return { 'sallyport.dev/breakglass': Buffer.from(grant).toString('base64') }
}

/** Asks as an API server does about a pod with this image and these annotations. */
export async function admit(
  { address }: { readonly address: string },
  image: string,
  annotations: Readonly<Record<string, string>>,
) {
  const body = JSON.parse(review(image)) as {
    request: { object: { metadata: { annotations: Readonly<Record<string, string>> } } }
  }
  body.request.object.metadata.annotations = annotations
  const response = await call(address, '/admission/validate?timeout=10s', {
    method: 'post',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const answer = JSON.parse(await response.text()) as {
    response: { allowed: boolean; warnings?: string[]; status?: { message: string } }
  }
  const { allowed, warnings = [], status } = answer.response
  return { allowed, warnings, message: status?.message ?? '' }
}

/** The decisions about an artifact, oldest first, once so many are published: a moment after the answer. */
export async function decisionsAbout(
  { dir }: Pick<GateHome, 'dir'>,
  digest: string,
  count: number,
): Promise<readonly (Decision & { readonly index: number })[]> {
  const config = loadConfig({ cwd: dir, env: {} })
  let found: readonly (Decision & { readonly index: number })[] = []
  await until(`${count} decisions published`, async () => {
    const { entries } = await logShow(config, { limit: 1000 })
    found = entries
      .flatMap((one) => ('decision' in one ? [{ ...one.decision, index: one.index }] : []))
      .filter(({ request }) => request.artifact.digest['sha256'] === digest)
    return found.length >= count
  })
  return found.toSorted((a, b) => a.index - b.index)
}
