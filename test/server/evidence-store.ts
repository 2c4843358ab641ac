import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { parseEvent, type SecurityEvent } from '#breakglass'
import { approval, keys, signed } from '../../src/core/decision/testing/fixtures.ts'
import { writePolicy, type GateHome } from './gate.ts'

/** A store of attestations that can be away, and how often it was asked. */
export interface EvidenceStore {
  readonly address: string
  isDown: boolean
  /** Takes a question, and does not answer. */
  isSlow: boolean
  asked: number
  /** Has an approval for an environment, which may be over. */
  approve(digest: string, environment?: string, expires?: string): void
}

export async function startStore(t: TestContext): Promise<EvidenceStore> {
  const stored = new Map<string, Uint8Array>()
  const server = createServer(({ url = '' }, response) => {
    store.asked += 1
    const bytes = stored.get(url.replace(/^\/sha256\//, ''))
    if (store.isSlow) return
    if (store.isDown) response.writeHead(503).end()
    else if (bytes === undefined) response.writeHead(404).end()
    else response.writeHead(200, { 'content-type': 'application/json' }).end(bytes)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close().closeAllConnections())
  const store: EvidenceStore = {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    isDown: true,
    isSlow: false,
    asked: 0,
    approve: (sha256, environment = 'production', expires) => {
      const more = { sha256, ...(expires === undefined ? {} : { expires }) }
      stored.set(sha256, signed(approval(environment, more), keys.alice).bytes)
    },
  }
  return store
}

/** Lets outages of these stores and registries through. `rule` as for `writePolicy`. */
export function useStores(
  { folder }: Pick<GateHome, 'folder'>,
  stores: readonly EvidenceStore[],
  rule?: string,
  registries: readonly string[] = [],
): void {
  const file = join(folder, 'sallyport.yaml')
  const list = stores.map(({ address }) => `'${address}'`).join(', ')
  const more = registries.map((host) => `, '${host}'`).join('')
  const text = readFileSync(file, 'utf8')
    .replace(/^(evidence:.* stores: )\[[^\]]*\]/m, `$1[${list}]`)
    .replace(/^(evidence:.*allow: \['[^']*')\]/m, `$1${more}]`)
  writeFileSync(file, text)
  writePolicy(folder, rule)
  const policy = join(folder, 'policies/production.yaml')
  writeFileSync(policy, `${readFileSync(policy, 'utf8')}whenUnavailable: allow\n`)
}

/** Everything that has rung in a home. */
export function rung({ folder }: { readonly folder: string }): readonly SecurityEvent[] {
  try {
    const lines = readFileSync(join(folder, 'alarms/events.jsonl'), 'utf8').trim().split('\n')
    return lines.map((line) => parseEvent(Buffer.from(line)))
  } catch {
    return []
  }
}
