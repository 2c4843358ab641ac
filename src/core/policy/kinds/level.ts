import { quote } from '#error'
import { recipeBuildType } from '../build-types.ts'
import type { Testimony } from '../rule.ts'
import type { Isolation, ProvenanceFacts } from './provenance.ts'

/** A SLSA Build level, and what keeps it from being higher. */
export interface Level {
  readonly level: number
  /** In words; of level 3 what it rests on. */
  readonly limit: string
}

/** Our own builders on somebody's workstation: whoever sits there can do what the build can do. */
const workstation = /^https:\/\/sallyport\.dev\/builders\/workstation-[a-z]+\/v\d+$/

/**
 * The level of a build: what the trust file lets its signer claim for its builder, lowered where the evidence itself says
 * that it cannot be so. SLS-03: a signature made on a workstation is none of a hosted platform. SLS-04: what a file says of
 * a builder does not suffice for level 3 where its provenance would record the isolation, and does not.
 */
export function levelOf({ said, signers, verified }: Testimony<ProvenanceFacts>): Level {
  const [best] = [...signers].sort((a, b) => (b.builderLevel ?? 0) - (a.builderLevel ?? 0))
  const level = best?.builderLevel ?? 0
  const { builderId = '' } = verified
  if (level > 1 && workstation.test(builderId)) {
    return { level: 1, limit: `${quote(builderId)} is no hosted platform` }
  }
  const isOurs = said.provenance.buildType === recipeBuildType
  if (level > 2 && isOurs && !isIsolated(said.isolation)) {
    return { level: 2, limit: 'the provenance does not record that the build was isolated' }
  }
  return {
    level,
    limit: `the trust file lets ${best?.name ?? 'nobody'} claim level ${level} for ${quote(builderId === '' ? 'a builder that is not named' : builderId)}`,
  }
}

function isIsolated({ network, probesPassed, probesFailed }: Isolation): boolean {
  return (
    network.state === 'stated' &&
    network.value === 'none' &&
    probesPassed.state === 'stated' &&
    probesPassed.value > 0 &&
    probesFailed.state === 'stated' &&
    probesFailed.value === 0
  )
}
