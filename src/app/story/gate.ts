import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { splitAttestations } from '#attestation'
import { loadConfig, type Config, type ConfigOptions } from '#config'
import { parseJson, type Json } from '#document'
import { SallyportError } from '#error'
import { homeFacts } from '../init/facts.ts'
import { serve, type RunningGate } from '../serve/serve.ts'

export interface StoryGateOptions extends ConfigOptions {
  /** Path of the artifact that the story has built. */
  readonly artifact: string
  readonly sha256: string
  readonly clock: () => Date
  /** Where the gate tells what goes wrong. */
  readonly out: { write(text: string): unknown }
}

/** The gate at the end of the story, and how to ask it. */
export interface StoryGate extends RunningGate {
  /** A file with the header of a token that lives as long as this gate; mode 0600. */
  readonly header: string
  /** A file with the question: may the artifact run in production? Its evidence travels with it. */
  readonly question: string
}

/** Starts the gate on the home of the story, with a token of its own. When its port is taken, it takes a free one. */
export async function startStoryGate(options: StoryGateOptions): Promise<StoryGate> {
  const { artifact, sha256, clock, out } = options
  const config = loadConfig(options)
  const { service } = await homeFacts(options)
  const folder = join(config.home, 'gate')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const token = randomBytes(32).toString('base64url')
  const header = join(folder, 'token.header')
  const question = join(folder, 'question.json')
  await writeFile(header, `Authorization: Bearer ${token}\n`, { mode: 0o600 })
  const ask = {
    artifact: { name: basename(artifact), digest: { sha256 } },
    target: { environment: 'production', service },
    evidence: await evidenceBeside(artifact),
  }
  await writeFile(question, `${JSON.stringify(ask, undefined, 2)}\n`)
  const gate = await onFreePort(withToken(config, token, clock()), (place) =>
    serve({ config: place, clock, out }),
  )
  return { ...gate, header, question }
}

async function evidenceBeside(artifact: string): Promise<readonly Json[]> {
  const bytes = await readFile(`${artifact}.sigstore.jsonl`)
  return splitAttestations(bytes).map((one) => parseJson(one, { what: 'the evidence' }))
}

const day = 86_400_000

function withToken(config: Config, token: string, now: Date): Config {
  const grant = {
    name: 'story',
    sha256: createHash('sha256').update(token).digest('hex'),
    roles: ['deployer', 'viewer'] as const,
    expires: new Date(now.getTime() + day).toISOString(),
  }
  const { access } = config
  const tokens = [...access.tokens, { ...grant, roles: [...grant.roles] }]
  return { ...config, access: { ...access, tokens } }
}

async function onFreePort<T>(config: Config, start: (config: Config) => Promise<T>): Promise<T> {
  try {
    return await start(config)
  } catch (error) {
    if (!(error instanceof SallyportError) || error.code !== 'SERVER_LISTEN') throw error
    return await start({ ...config, serve: { ...config.serve, port: 0 } })
  }
}
