import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { Decision } from '#decision'
import type { Problem } from '#error'
import { openHttp } from '#evidence'
import { readPackageManifest } from '../../../../app/serve/package-manifest.ts'
import type { PullQuestion } from '../../ports.ts'
import {
  openNpmProxy,
  openTarballStore,
  type NpmProxy,
  type NpmProxySettings,
  type NpmReply,
  type NpmRequest,
} from '../index.ts'
import { startFakeRegistry, type FakeRegistry } from './fake-registry.ts'

/** A proxy over two fake registries, whose decisions the test makes. */
export interface Harness {
  readonly upstream: FakeRegistry
  readonly internal: FakeRegistry
  readonly proxy: NpmProxy
  readonly folder: string
  /** What was asked of the one way in, and what was recorded without it. */
  readonly questions: PullQuestion[]
  readonly refusals: Refused[]
  readonly events: string[]
  /** What the next decisions are; default is yes. */
  effect: Pick<Decision, 'verdict' | 'effect'>
  /** Whether the log can be written. */
  logs: boolean
  /** What recording waits for. */
  recording: () => Promise<void>
  /** What each decision waits for. */
  deciding: () => Promise<void>
  now: Date
  get(url: string, more?: Partial<NpmRequest>): Promise<NpmReply>
  json(url: string, more?: Partial<NpmRequest>): Promise<Told>
  close(): Promise<void>
}

export interface Refused {
  readonly asked: Readonly<Record<string, string>>
  readonly problems: readonly Problem[]
}

/** What a reply says, whichever kind it is. */
export interface Told {
  readonly status: number
  readonly error?: string
  readonly 'dist-tags'?: Readonly<Record<string, string>>
  readonly versions?: Readonly<Record<string, TellVersion>>
  readonly policyRestrictions?: {
    readonly message: string
    readonly versions: Readonly<Record<string, unknown>>
  }
  readonly [name: string]: unknown
}

interface TellVersion {
  readonly dist: { readonly tarball: string; readonly integrity: string }
  readonly [name: string]: unknown
}

const production = { environment: 'production', service: 'shop' }
export const proxyAddress = 'http://proxy.example:4873'

export async function openHarness(
  more: (urls: { upstream: string; internal: string }) => Partial<NpmProxySettings> = () => ({}),
): Promise<Harness> {
  const upstream = await startFakeRegistry()
  const internal = await startFakeRegistry()
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-npm-proxy-'))
  const http = await openHttp()
  const settings = {
    ...settingsOf(upstream.url),
    ...more({ upstream: upstream.url, internal: internal.url }),
  }
  const harness: Omit<Harness, 'proxy' | 'get' | 'json' | 'close'> = {
    upstream,
    internal,
    folder,
    questions: [],
    refusals: [],
    events: [],
    effect: { verdict: 'ALLOW', effect: 'admitted' },
    logs: true,
    recording: () => Promise.resolve(),
    deciding: () => Promise.resolve(),
    now: new Date('2026-06-01T12:00:00Z'),
  }
  const proxy = openNpmProxy(settings, {
    http,
    clock: () => harness.now,
    store: await openTarballStore(folder, { maxBytes: 1e6, onError: assertNever }),
    ...decider(harness),
    tell: (event) => harness.events.push(event),
  })
  const streams: Readable[] = []
  const get = async (url: string, given: Partial<NpmRequest> = {}): Promise<NpmReply> => {
    const reply = await proxy.answer({ ...requestOf(url), ...given })
    if (reply.body instanceof Readable) streams.push(reply.body)
    return reply
  }
  return Object.assign(harness, {
    proxy,
    get,
    async json(url: string, given?: Partial<NpmRequest>): Promise<Told> {
      const { status, body } = await get(url, given)
      return { ...(JSON.parse(body as string) as object), status }
    },
    async close() {
      await proxy.idle()
      for (const stream of streams) stream.destroy()
      http.close()
      await upstream.close()
      await internal.close()
      rmSync(folder, { recursive: true, force: true })
    },
  })
}

type State = Omit<Harness, 'proxy' | 'get' | 'json' | 'close'>

function decider(state: State) {
  const record = (): void => {
    if (!state.logs) throw new Error('the log cannot be written')
  }
  return {
    decide: async (question: PullQuestion) => {
      record()
      state.questions.push(question)
      await state.deciding()
      const decision = {
        ...state.effect,
        reasons: [],
        evidence: [{ digest: evidence, verified: true }],
      } as unknown as Decision
      return { decision, index: state.questions.length }
    },
    refuse: async (asked: Refused['asked'], _: string, problems: readonly Problem[]) => {
      record()
      await state.recording()
      state.refusals.push({ asked, problems })
    },
    explain: () => 'as was decided',
    readManifest: readPackageManifest,
  }
}

/** What lets everything in here. */
export const evidence = 'ab'.repeat(32)

function settingsOf(url: string): NpmProxySettings {
  return {
    file: 'sallyport.yaml',
    upstream: { url, target: production, authorization: 'Bearer of-the-proxy' },
    scopes: new Map(),
    packages: new Map(),
    reserved: [],
    denied: [],
    minimumAgeExceptions: new Set(),
    deprecated: 'offer',
    addresses: 'refuse',
    refused: 'hide',
    tarballHosts: new Set(),
    audit: 'pass',
    reportPublic: false,
    upstreamMs: 10_000,
    maxPackumentBytes: 1_000_000,
    maxTarballBytes: 100_000,
  }
}

function requestOf(url: string): NpmRequest {
  const body = async (): Promise<Uint8Array> => new Uint8Array()
  return { method: 'GET', url, requester: 'ci', address: proxyAddress, body }
}

function assertNever(error: unknown): void {
  throw error
}
