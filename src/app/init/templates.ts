import type { PublicKeys } from './keys.ts'

/** What the texts of a home folder are written from. */
export interface HomeFacts {
  /** `git+https://…` or `git+file:///…`: where artifacts come from. */
  readonly repository: string
  /** Path of the recipe in the repository. */
  readonly recipe: string
  readonly service: string
  /** `pkg:npm/name`: what the policies are about. */
  readonly artifact: string
  /** Whether what is built here is on a branch or tag; a checkout of a bare commit has neither to name. */
  readonly namesRefs: boolean
}

/** Names of the trust file that the policies use. */
export const signers = {
  pinned: 'workstation-pinned',
  measured: 'workstation-measured',
  releaseManagers: 'release-managers',
} as const

const builderId = (name: string): string => `https://sallyport.dev/builders/${name}/v1`

/** A year: long enough to forget nothing, short enough to notice what was forgotten. */
const validFor = 365 * 86_400_000

function seconds(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`
}

export function trustText(now: Date, keys: PublicKeys): string {
  const validFrom = seconds(now)
  const validUntil = seconds(new Date(now.getTime() + validFor))
  const signer = (name: string, owner: string, pem: string, may: string): string => `  ${name}:
    owner: ${owner}
    keys:
      - publicKey: |
${indent(pem.trim(), 10)}
        validFrom: ${validFrom}
        validUntil: ${validUntil}
${may}`
  const builder = (name: string): string => `    predicateTypes: [https://slsa.dev/provenance/v1]
    builders:
      - {id: ${builderId(name)}, level: 1}
`
  return `# Who may say what, from when to when. Policies name these signers in "by"; nobody else is believed.
# Keys end, so that somebody looks whether they are still where they should be: write a later "validUntil", or make new ones.
# A key that is no longer used gets "retired: <time>", one that was stolen "compromisedSince: <time>".
apiVersion: sallyport.dev/v1
kind: Trust
metadata: {name: default, owner: security}
signers:
  # Builds on this machine. The highest SLSA Build level a workstation can have is 1, whatever it claims.
${signer(signers.pinned, 'platform', keys.builderPinned.publicKeyPem, builder(signers.pinned))}
${signer(signers.measured, 'platform', keys.builderMeasured.publicKeyPem, builder(signers.measured))}
  # People who may let an artifact into production.
${signer(
  signers.releaseManagers,
  'release',
  keys.approver.publicKeyPem,
  '    predicateTypes: [https://sallyport.dev/attestation/approval/v1]\n',
)}`
}

export function stagingText(facts: HomeFacts): string {
  return `${policyHead(facts, 'staging', 'What may run in staging: anything built here, from this repository, without a network.')}
require:
${builtRules(facts)}
`
}

export function productionText(facts: HomeFacts): string {
  return `${policyHead(facts, 'production', 'What may run in production: the same as in staging, fresh, and let in by a release manager.')}
require:
${builtRules(facts)}
  # An old build has old dependencies.
  - recent:
      by: [${signers.pinned}, ${signers.measured}]
      build: 30d
  # Somebody who may say so has said so, for this very artifact and this environment.
  - allowed:
      by: [${signers.releaseManagers}]
      environment: production
`
}

function policyHead(facts: HomeFacts, environment: string, comment: string): string {
  return `# ${comment}
# Exactly one policy decides about a target. Every rule names in "by" whose word counts.
apiVersion: sallyport.dev/v1
kind: DeploymentPolicy
metadata: {name: ${facts.service}-${environment}, owner: ${facts.service}}
targets:
  - {environment: ${environment}, service: ${facts.service}}
artifacts: ['${facts.artifact}']
mode: enforce
whenUnavailable: deny`
}

function builtRules(facts: HomeFacts): string {
  return `  - built:
      by: [${signers.pinned}, ${signers.measured}]
      level: 1
      from: ${facts.repository}
      recipe: ${facts.recipe}
      # Whoever asks for a build may choose these; a ref or parameter that is not listed is refused.
${refs(facts)}      parameters: {target: [release]}
  # No network during the build, and every input known beforehand. With "root: pinned" the system the build saw
  # must come from locked Debian packages; "measured" also allows what was installed on the machine.
  - hermetic:
      by: [${signers.pinned}, ${signers.measured}]
      root: measured`
}

function refs({ namesRefs }: HomeFacts): string {
  return namesRefs ? '      refs: [{prefix: refs/heads/}, {prefix: refs/tags/}]\n' : ''
}

export function configText(log: {
  readonly origin: string
  readonly verifierKeys: readonly string[]
}): string {
  const lines = log.verifierKeys.map((key) => `    - ${key}`).join('\n')
  return `# Where things are. Paths start in this folder. Everything left out has its default.
apiVersion: sallyport.dev/v1
kind: Config
# How this place calls itself in the decisions it records.
chokePoint: workstation
trust: trust.yaml
policies: [policies]
log:
  # The name of the log. It is part of every signed checkpoint, and must never change.
  origin: ${log.origin}
  # What every checkpoint must be signed with: Ed25519 and ML-DSA-44. Anybody may have these.
  verifierKeys:
${lines}
build:
  # auto: unpack locked Debian packages, and measure what is installed here when that cannot be done.
  root: auto
# Where evidence is looked for besides beside a file. Of places that stand here, and of no other, a policy may let outages
# through ("whenUnavailable").
# evidence:
#   registries: {allow: [registry.example]}
#   npm: {registry: https://npm.example}
#   directories: [attestations]
#   stores: [https://evidence.example]
`
}

function indent(text: string, columns: number): string {
  return text.replace(/^/gm, ' '.repeat(columns))
}
