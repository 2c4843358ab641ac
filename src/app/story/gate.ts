import { createHash, randomBytes } from 'node:crypto'
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { loadConfig, type Config, type ConfigOptions } from '#config'
import { SallyportError } from '#error'
import { homeFacts } from '../init/facts.ts'
import { makeFolder } from '../make-folder.ts'
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
  /** A file with the question: may the artifact run in production? */
  readonly question: string
}

/** Starts the gate on the home of the story, with a token of its own. When its port is taken, it takes a free one. */
export async function startStoryGate(options: StoryGateOptions): Promise<StoryGate> {
  const { artifact, sha256, clock, out } = options
  const config = loadConfig(options)
  const { service } = await homeFacts(options)
  const folder = join(config.home, 'gate')
  await makeFolder(folder)
  const token = randomBytes(32).toString('base64url')
  const header = join(folder, 'token.header')
  const question = join(folder, 'question.json')
  await writeFile(header, `Authorization: Bearer ${token}\n`, { mode: 0o600 })
  const ask = {
    artifact: { name: basename(artifact), digest: { sha256 } },
    target: { environment: 'production', service },
  }
  await writeFile(question, `${JSON.stringify(ask, undefined, 2)}\n`)
  const place = withEvidence(
    withToken(config, token, clock()),
    await showEvidence(artifact, sha256, folder),
  )
  const gate = await onFreePort(place, (free) => serve({ config: free, clock, out }))
  return { ...gate, header, question }
}

/** The file beside the artifact, under its digest: what is added to it while the gate runs counts for the next answer. */
async function showEvidence(artifact: string, sha256: string, folder: string): Promise<string> {
  const evidence = join(folder, 'evidence')
  await rm(evidence, { recursive: true, force: true })
  await mkdir(evidence, { mode: 0o700 })
  await symlink(resolve(`${artifact}.sigstore.jsonl`), join(evidence, `${sha256}.sigstore.jsonl`))
  return evidence
}

function withEvidence(config: Config, folder: string): Config {
  const { evidence } = config
  return { ...config, evidence: { ...evidence, directories: [...evidence.directories, folder] } }
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
