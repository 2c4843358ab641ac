import { X509Certificate } from 'node:crypto'
import type { EvidencePlaces } from '#config'
import { SallyportError } from '#error'
import {
  openByteCache,
  openHttp,
  readDockerCredentials,
  type ByteCache,
  type Credentials,
  type HttpClient,
  type HttpOptions,
} from '#evidence'
import { readFileBounded } from '../input.ts'

/** What it takes to speak to registries and stores as configured, for one question: one time for all, one set of connections. */
export interface Network extends AsyncDisposable {
  readonly places: EvidencePlaces
  readonly cache: ByteCache
  /** When the time for everything together is over. */
  readonly signal: AbortSignal
  /** Opened when it is first asked for: a question about a file needs none. */
  http(): Promise<HttpClient>
  credentials(): Promise<Credentials | undefined>
}

/** `maxSockets`: connections to one host at a time, where many are served at once. */
export function openNetwork(places: EvidencePlaces, maxSockets?: number): Network {
  let http: Promise<HttpClient> | undefined
  const { credentials: file } = places.registries
  return {
    places,
    cache: openByteCache(),
    signal: AbortSignal.timeout(places.timeoutMs),
    http: () => (http ??= open(places, maxSockets)),
    credentials: async () => (file === undefined ? undefined : await readDockerCredentials(file)),
    async [Symbol.asyncDispose]() {
      const opened = await http?.catch(() => undefined)
      opened?.close()
    },
  }
}

/** What every question to a registry needs. */
export async function connect(network: Network) {
  const [http, credentials] = await Promise.all([network.http(), network.credentials()])
  return { http, credentials }
}

async function open(
  { registries, timeoutMs }: EvidencePlaces,
  maxSockets: number | undefined,
): Promise<HttpClient> {
  const { ca, plainHttp, allowAddresses } = registries
  const options: HttpOptions = {
    allowAddresses,
    ...(maxSockets === undefined ? {} : { maxSockets }),
    ...(ca === undefined ? {} : { ca: await readAuthorities(ca) }),
    ...(plainHttp === undefined ? {} : { plainHttp }),
    limits: {
      connectMs: Math.min(5_000, timeoutMs),
      idleMs: Math.min(10_000, timeoutMs),
      totalMs: timeoutMs,
    },
  }
  return await openHttp(options)
}

/** The certificates of a PEM file. One that cannot be read would look like an outage of every server. */
async function readAuthorities(file: string): Promise<readonly string[]> {
  const text = Buffer.from(await readFileBounded(file)).toString('latin1')
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  if (blocks.length > 0 && blocks.every(isCertificate)) return blocks
  throw new SallyportError({
    code: 'CONFIG_CA',
    where: file,
    expected: 'certificates in PEM: -----BEGIN CERTIFICATE-----',
    found: blocks.length === 0 ? 'no certificate' : 'one that cannot be read',
    fix: `Put the certificates of the authority into ${file}, or correct evidence.registries.ca in sallyport.yaml`,
  })
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0
  } catch {
    return false
  }
}
