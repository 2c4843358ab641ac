// The command line of slsa-verifier, as far as it can be answered offline.
import { parseArgs } from 'node:util'

export const commands = [
  'verify-artifact',
  'verify-image',
  'verify-github-attestation',
  'verify-npm-package',
  'verify-vsa',
] as const

export interface Asked {
  readonly command: (typeof commands)[number]
  readonly artifacts: readonly string[]
  readonly sourceUri: string
  readonly branch?: string
  readonly tag?: string
  readonly versionedTag?: string
  readonly builderId?: string
  /** `key` and `value` of each `--build-workflow-input`. */
  readonly inputs: readonly (readonly [string, string])[]
  /** Where the attestations are. */
  readonly attestations?: string
  readonly ociLayout?: string
  readonly gcbKeys?: string
  readonly packageName?: string
  readonly packageVersion?: string
  readonly vsa: {
    readonly subjects: readonly string[]
    readonly verifierId?: string
    readonly resourceUri?: string
    readonly levels: readonly string[]
    readonly keyPath?: string
    readonly keyId?: string
  }
  readonly trustedRoot?: string
  readonly npmKeys?: string
}

const text = { type: 'string' } as const
const texts = { type: 'string', multiple: true } as const

const options = {
  'provenance-path': text,
  'attestation-path': text,
  'attestations-path': text,
  'oci-layout': text,
  'gcb-keys': text,
  'source-uri': text,
  'source-branch': text,
  'source-tag': text,
  'source-versioned-tag': text,
  'builder-id': text,
  'build-workflow-input': texts,
  'package-name': text,
  'package-version': text,
  'subject-digest': texts,
  'verifier-id': text,
  'resource-uri': text,
  'verified-level': texts,
  'public-key-path': text,
  'public-key-id': text,
  'public-key-signing-hash-algo': text,
  'print-provenance': { type: 'boolean' },
  'print-attestation': { type: 'boolean' },
  'trusted-root': text,
  'npm-keys': text,
} as const

/** @throws TypeError for a command line that is none */
export function readAsked(argv: readonly string[]): Asked {
  const { values, positionals } = parseArgs({ args: [...argv], allowPositionals: true, options })
  const [name, ...artifacts] = positionals
  const command = commands.find((one) => one === name)
  if (command === undefined) throw new TypeError(`the commands are ${commands.join(', ')}`)
  const found = <T>(key: string, value: T | undefined) =>
    value === undefined || value === '' ? {} : { [key]: value }
  return {
    command,
    artifacts,
    sourceUri: values['source-uri'] ?? '',
    inputs: (values['build-workflow-input'] ?? []).map(readInput),
    ...found('branch', values['source-branch']),
    ...found('tag', values['source-tag']),
    ...found('versionedTag', values['source-versioned-tag']),
    ...found('builderId', values['builder-id']),
    ...found(
      'attestations',
      values['provenance-path'] ?? values['attestation-path'] ?? values['attestations-path'],
    ),
    ...found('ociLayout', values['oci-layout']),
    ...found('gcbKeys', values['gcb-keys']),
    ...found('packageName', values['package-name']),
    ...found('packageVersion', values['package-version']),
    ...found('trustedRoot', values['trusted-root']),
    ...found('npmKeys', values['npm-keys']),
    vsa: {
      subjects: values['subject-digest'] ?? [],
      levels: (values['verified-level'] ?? []).flatMap((list) => list.split(',')),
      ...found('verifierId', values['verifier-id']),
      ...found('resourceUri', values['resource-uri']),
      ...found('keyPath', values['public-key-path']),
      ...found('keyId', values['public-key-id']),
    },
  }
}

function readInput(pair: string): readonly [string, string] {
  const at = pair.indexOf('=')
  if (at <= 0) throw new TypeError('--build-workflow-input is key=value')
  return [pair.slice(0, at), pair.slice(at + 1)]
}

/** As a package URL. */
export function npmPackage(name: string): string {
  return `pkg:npm/${name.split('/').map(encodeURIComponent).join('/')}`
}
