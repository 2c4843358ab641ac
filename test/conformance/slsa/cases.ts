// slsa-verifier's regression cases, where ../shared is at hand, as command lines.
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../../../../shared/data/slsa-verifier/', import.meta.url))
export const skip = existsSync(folder) ? false : 'skipped: no ../shared'

export interface Case {
  readonly id: string
  readonly suite: string
  readonly format: string
  readonly argv: readonly string[]
  readonly isGood: boolean
  /** slsa-verifier's name of the error, where one is expected. */
  readonly error?: string
}

interface Row {
  readonly id: string
  readonly suite: string
  readonly format: string
  readonly missing?: unknown
  readonly artifacts: readonly string[]
  readonly artifact_digests: readonly ({ readonly sha256: string } | null)[]
  readonly provenance: string | null
  readonly image?: string
  readonly image_digest?: string
  readonly args: Readonly<Record<string, string | readonly string[] | Record<string, string>>>
  readonly offline: boolean
  readonly expected: { readonly pass: boolean; readonly error: string | null }
}

export function readCases(): readonly Case[] {
  if (skip !== false) return []
  const { cases } = JSON.parse(readFileSync(`${folder}cases.json`, 'utf8')) as {
    readonly cases: readonly Row[]
  }
  return cases.filter(({ missing }) => missing === undefined).map(asCase)
}

function asCase(row: Row): Case {
  const { id, suite, format, offline, expected } = row
  // Envelopes without log entry are for slsa-verifier to look up; offline there is nothing to believe.
  const isOffline = offline && format !== 'dsse+cert' && format !== 'dsse'
  const error = isOffline && !expected.pass ? expected.error : null
  return {
    id,
    suite,
    format,
    argv: [...subject(row), ...flags(row.args)],
    isGood: isOffline && expected.pass,
    ...(error === null ? {} : { error }),
  }
}

function subject(row: Row): readonly string[] {
  const { suite, image = '', image_digest: digest = '', provenance, artifacts } = row
  const file = `${folder}testdata/${provenance ?? ''}`
  const [first = ''] = artifacts
  const sha256 = digest.replace(/^(?:sha256:)?/, 'sha256:')
  switch (suite) {
    case 'gha-image':
      return ['verify-image', `image@${sha256}`, '--oci-layout', `${folder}testdata/${first}`]
    case 'gcb-image': {
      const name = digest === '' ? image : `${image.replace(/@.*/, '')}@${digest}`
      return ['verify-image', name, '--provenance-path', file, '--gcb-keys', `${folder}gcb-keys`]
    }
    case 'github-attestation':
      return ['verify-github-attestation', artifact(row, 0), '--attestation-path', file]
    default: {
      const names = artifacts.map((_, index) => artifact(row, index))
      return ['verify-artifact', ...names, '--provenance-path', file]
    }
  }
}

function artifact({ artifacts, artifact_digests: digests }: Row, index: number): string {
  const path = `${folder}testdata/${artifacts[index] ?? ''}`
  return existsSync(path) ? path : `sha256:${digests[index]?.sha256 ?? ''}`
}

function flags(args: Row['args']): readonly string[] {
  return Object.entries(args).flatMap(([name, value]) => {
    if (typeof value === 'string') return [`--${name}`, value]
    const list = Array.isArray(value)
      ? (value as readonly string[])
      : Object.entries(value).map(([key, item]) => `${key}=${item}`)
    return list.flatMap((item) => [`--${name}`, item])
  })
}
