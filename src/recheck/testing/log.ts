import type { Decision } from '#decision'
import { engine } from '#decision'
import { encodeCanonical, sha256Hex, type Json } from '#document'
import type { BodyStore } from '#log'
import { RecheckBook, type BookLimits, type OpenAdmission } from '../index.ts'

const start = Date.parse('2026-06-01T12:00:00.000Z')

/** A decision about an artifact that one letter names; by default one that an outage let in. */
export function admissionOf(letter: string, more: Partial<Decision> = {}): Decision {
  return {
    apiVersion: 'sallyport.dev/v1',
    kind: 'Decision',
    time: new Date(start).toISOString(),
    engine,
    request: {
      artifact: { name: `shop-${letter}`, digest: { sha256: letter.repeat(64).slice(0, 64) } },
      target: { environment: 'production', service: 'shop' },
      chokePoint: 'admission',
      requester: 'jo',
    },
    policy: null,
    inputs: {
      trust: { file: 'trust.yaml', digest: '0'.repeat(64) },
      policies: [],
      evidence: [],
      sources: [{ name: 'https://evidence.example/v1', outcome: 'unavailable', detail: 'down' }],
    },
    evidence: [],
    rules: [],
    verdict: 'UNDETERMINED',
    effect: 'admitted-unavailable',
    reasons: [],
    ...more,
  }
}

/** The answer to an open question, as it is recorded. */
export function recheckOf(open: OpenAdmission, verdict: Decision['verdict']): Decision {
  const { artifact, environment, service, first, last, question } = open
  const { inputs, ...decision } = admissionOf('x')
  return {
    ...decision,
    inputs: { ...inputs, sources: [{ name: 'https://evidence.example/v1', outcome: 'found' }] },
    request: {
      artifact: { name: artifact.name, digest: { sha256: artifact.sha256 } },
      target: { environment, service },
      chokePoint: 'recheck',
      rechecks: { first, last, question },
    },
    verdict,
    effect: verdict === 'ALLOW' ? 'admitted' : 'blocked',
    reasons:
      verdict === 'ALLOW'
        ? []
        : [{ code: 'APPROVAL_MISSING', where: 'w', expected: 'e', found: 'f', fix: 'Do' }],
  }
}

/** A log in memory, as far as a book reads it; its entries are written as a real one's are. */
export function logOf(entries: Uint8Array[] = []) {
  const kept = new Map<string, Uint8Array>()
  const lost = new Set<string>()
  const put = (bytes: Uint8Array): string => {
    const digest = sha256Hex(bytes)
    kept.set(digest, bytes)
    return digest
  }
  const bodies: BodyStore = {
    put: (bytes) => Promise.resolve(put(bytes)),
    get: (digest) => Promise.resolve(lost.has(digest) ? undefined : kept.get(digest)),
  }
  const view = () => ({
    size: entries.length,
    entry: (index: number) => Promise.resolve(entries[index] ?? new Uint8Array()),
    async *entries(from = 0, to = entries.length) {
      for (let index = from; index < Math.min(to, entries.length); index += 1)
        yield await Promise.resolve({ index, entry: entries[index] ?? new Uint8Array() })
    },
  })
  const readOn = async (book: RecheckBook): Promise<RecheckBook> => {
    while (await book.read(view(), 2));
    return book
  }
  return {
    bodies,
    view,
    readOn,
    read: (limits?: BookLimits) => readOn(new RecheckBook(bodies, undefined, limits)),
    add: (decision: Decision): number =>
      entries.push(encodeCanonical(decision as unknown as Json)) - 1,
    /** As an entry that refers to a body; gives its digest. */
    addByReference(decision: Decision): string {
      const bytes = encodeCanonical(decision as unknown as Json)
      const sha256 = put(bytes)
      const kind = 'DecisionReference'
      const reference = {
        apiVersion: 'sallyport.dev/v1',
        kind,
        decision: { sha256, size: bytes.length },
      }
      entries.push(encodeCanonical(reference))
      return sha256
    },
    lose: (digest: string) => void lost.add(digest),
    find: (digest: string) => void lost.delete(digest),
    copy: () => logOf([...entries]),
  }
}
