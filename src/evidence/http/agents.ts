import { lookup, type LookupAddress } from 'node:dns'
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { LookupFunction } from 'node:net'
import { getCACertificates } from 'node:tls'
import { bareAddress, isWithin, reachOf, type Reach } from './addresses.ts'

/** How far inside a connection may lead. */
export type Limit = Exclude<Reach, 'forbidden'>

/** Connections that are kept, one set for each limit: one that was opened under a wide limit is never lent to a narrow one. */
export interface Agents {
  for(protocol: string, limit: Limit): HttpAgent | HttpsAgent
  isPermitted(address: string, limit: Limit): boolean
  close(): void
}

export interface AgentOptions {
  /** To one host at a time. */
  readonly maxSockets: number
  /** How long a connection is kept that nobody uses. */
  readonly keptMs: number
}

/** Answers to names are judged where they are used, at the connection, so that a second answer cannot differ. */
export function openAgents(
  ca: readonly string[],
  allowed: readonly string[],
  { maxSockets, keptMs }: AgentOptions,
): Agents {
  const exceptions = new Set(allowed.map(bareAddress))
  const isPermitted = (address: string, limit: Limit): boolean =>
    exceptions.has(bareAddress(address)) || isWithin(reachOf(address), limit)
  const agents = new Map<string, HttpAgent | HttpsAgent>()
  const trusted = ca.length === 0 ? {} : { ca: [...getCACertificates('default'), ...ca] }
  const open = (protocol: string, limit: Limit): HttpAgent | HttpsAgent => {
    // Whoever redirects chooses how many hosts there are.
    const common = {
      keepAlive: true,
      maxSockets,
      timeout: keptMs,
      lookup: guardedLookup(isPermitted, limit),
    }
    return protocol === 'https:'
      ? new HttpsAgent({ ...common, ...trusted, rejectUnauthorized: true })
      : new HttpAgent(common)
  }
  return {
    for(protocol, limit) {
      const key = `${protocol} ${limit}`
      const agent = agents.get(key) ?? open(protocol, limit)
      agents.set(key, agent)
      return agent
    },
    isPermitted,
    close() {
      for (const agent of agents.values()) agent.destroy()
    },
  }
}

function guardedLookup(
  isPermitted: (address: string, limit: Limit) => boolean,
  limit: Limit,
): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found: LookupAddress[]) => {
      if (error !== null) return callback(error, [])
      const permitted = found.filter(({ address }) => isPermitted(address, limit))
      const [first] = permitted
      if (first === undefined) return callback(refused(), [])
      return options.all === true
        ? callback(null, permitted)
        : callback(null, first.address, first.family)
    })
  }
}

function refused(): NodeJS.ErrnoException {
  return Object.assign(new Error('the name leads to an address that is not allowed'), {
    code: 'ADDRESS_NOT_ALLOWED',
  })
}
