import type { SecurityEventData } from '#api'
import { cut } from '#events'
import type { RefusedAccess } from '#server'

/** Counts who was refused, so that a flood of requests is no flood of events. */
export interface RefusalCounter {
  refused(one: RefusedAccess): void
  /** Tells what has been counted so far. */
  close(): void
}

type Access = NonNullable<SecurityEventData['access']>

export interface RefusalCounterParts {
  readonly tell: (data: SecurityEventData) => void
  readonly clock: () => Date
  readonly windowMs?: number
}

interface Counted {
  readonly one: RefusedAccess
  readonly first: Date
  last: Date
  count: number
}

const minute = 60_000
/** Whoever asks from many addresses is told as `others`. */
const most = 256

/**
 * The first refusal of each kind (code, route, address, name) is told at once; those within the minute after it are told together
 * when it is over.
 */
export function countRefusals({
  tell,
  clock,
  windowMs = minute,
}: RefusalCounterParts): RefusalCounter {
  const counted = new Map<string, Counted>()
  const flush = (): void => {
    for (const one of counted.values()) if (one.count > 0) tell(dataOf(one))
    counted.clear()
  }
  const timer = setInterval(flush, windowMs)
  timer.unref()
  return {
    refused(given) {
      const now = clock()
      const isKnown = counted.has(keyOf(given))
      const one = isKnown || counted.size < most ? given : { ...given, address: 'others', name: '' }
      const known = counted.get(keyOf(one))
      if (known !== undefined) {
        known.last = now
        known.count += 1
        return
      }
      tell(dataOf({ one, first: now, last: now, count: 1 }))
      counted.set(keyOf(one), { one, first: now, last: now, count: 0 })
    },
    close() {
      clearInterval(timer)
      flush()
    },
  }
}

function keyOf({ code, method, route, address, offered, name = '' }: RefusedAccess): string {
  return [code, method, route, address, offered, name].join('\n')
}

function dataOf({ one, first, last, count }: Counted): SecurityEventData {
  const { code, status, method, route, address, offered, name } = one
  const access: Access = {
    code,
    status,
    method: cut(method, 20),
    route: cut(route, 100),
    offered,
    address: cut(address, 64),
    count,
    first: first.toISOString(),
    last: last.toISOString(),
  }
  return {
    summary: `${status} ${code}: ${access.method} ${access.route} from ${access.address}, ${count} ${count === 1 ? 'time' : 'times'}`,
    ...(name === undefined || name === '' ? {} : { principal: cut(name, 400) }),
    access,
  }
}
