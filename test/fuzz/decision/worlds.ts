// Worlds in which the answer is yes: what is signed, who may sign it, and the policy that it satisfies.
import { readFileSync } from 'node:fs'
import { sha256Hex } from '#document'
import {
  decide,
  type Decision,
  type DecisionInput,
  type EvidenceItem,
  type EvidenceSource,
} from '#decision'
import { parsePolicies, type DeploymentRequest } from '#policy'
import { createVerifier, parseTrust, type Trust } from '#trust'
import { vectors } from '../corpus.ts'

/** A world as it stands in a file: one of test/vectors/decision, or one of ours. */
export interface WrittenWorld {
  readonly says: string
  readonly now: string
  readonly request: DeploymentRequest
  readonly trust: string
  readonly roots: Readonly<Record<string, string>>
  readonly policies: readonly { readonly file: string; readonly text: string }[]
  readonly items: readonly string[]
  readonly sources: readonly EvidenceSource[]
}

export interface World {
  readonly name: string
  readonly input: Omit<DecisionInput, 'evidence' | 'verifier'>
  readonly items: readonly Buffer[]
  readonly sources: readonly EvidenceSource[]
  /** Everything that was ever signed under this trust file: what an attacker can collect. */
  readonly pool: readonly Buffer[]
}

/** A world whose evidence is in Sigstore bundles: certificates, both kinds of logs, time stamps. */
export function keylessWorld(): WrittenWorld {
  return written('keyless.json')
}

export function worlds(): readonly World[] {
  const all = [...fromVectors(), written('keyless.json'), written('roles.json')]
  const found = all.map((world) => worldOf(world, poolOf(world, all)))
  return found.filter((world) => ask(world, world.items).verdict === 'ALLOW')
}

/** The answer to evidence in a world, with nothing remembered. */
export function ask(world: World, items: readonly Buffer[]): Decision {
  const evidence = { items: items.map(itemOf), sources: world.sources }
  const verifier = createVerifier(world.input.trust, { rememberBytes: 0 })
  return decide({ ...world.input, evidence, verifier })
}

function itemOf(bytes: Buffer): EvidenceItem {
  return { bytes, digest: sha256Hex(bytes), source: 'fuzz.sigstore.jsonl' }
}

function written(file: string): WrittenWorld {
  const url = new URL(`worlds/${file}`, import.meta.url)
  return JSON.parse(readFileSync(url, 'utf8')) as WrittenWorld
}

function fromVectors(): readonly WrittenWorld[] {
  return vectors('decision').map((vector) => {
    const { items, sources } = vector['evidence'] as unknown as {
      readonly items: readonly { readonly text: string }[]
      readonly sources: readonly EvidenceSource[]
    }
    const world = vector as unknown as Omit<WrittenWorld, 'items' | 'sources' | 'roots'>
    return { ...world, sources, roots: {}, items: items.map(({ text }) => text) }
  })
}

function poolOf(world: WrittenWorld, all: readonly WrittenWorld[]): readonly Buffer[] {
  const same = all.filter(({ trust }) => trust === world.trust)
  return [...new Set(same.flatMap(({ items }) => items))].map((text) => Buffer.from(text))
}

function worldOf(world: WrittenWorld, pool: readonly Buffer[]): World {
  return {
    name: world.says,
    pool,
    items: world.items.map((text) => Buffer.from(text)),
    sources: world.sources,
    input: {
      request: world.request,
      now: new Date(world.now),
      trust: trustOf(world),
      policies: parsePolicies(
        world.policies.map(({ file, text }) => ({ file, bytes: Buffer.from(text) })),
      ),
    },
  }
}

function trustOf({ trust, roots }: WrittenWorld): Trust {
  const files = Object.entries(roots).map(([file, text]) => [file, Buffer.from(text)] as const)
  return parseTrust(Buffer.from(trust), { file: 'trust.yaml', roots: new Map(files) })
}
