/**
 * Threats to the software supply chain: T01 to T11 are those of "Building Secure & Reliable Systems", chapter 14, in its
 * order; the others are further ones that its text, the CNCF paper and practice name. A rule names those it answers
 * (THR-09); none of them answers one alone or wholly, which is why each also says what it cannot do.
 */
export const threats = {
  T01: 'Engineer accidentally introduces a vulnerability',
  T02: 'Adversary submits a backdoor or other intentional vulnerability',
  T03: 'Engineer accidentally builds from locally modified, unreviewed code',
  T04: 'Engineer deploys a binary with harmful configuration',
  T05: 'Adversary deploys a modified binary that exfiltrates credentials',
  T06: 'Adversary modifies cloud bucket ACLs to exfiltrate data',
  T07: 'Adversary steals the integrity key that signs software',
  T08: 'Engineer deploys an old version with a known vulnerability',
  T09: 'CI misconfigured to build from arbitrary repositories; adversary builds malicious source',
  T10: 'Custom build script exfiltrates the signing key, adversary signs malicious binary',
  T11: 'CD tricked into using a backdoored compiler or build tool',
  T12: 'Implant in the build system: correctly signed malicious release (authentic lie, SolarWinds)',
  T13: 'False information in provenance (forged or tampered by a build step or user)',
  T14: 'One build influences another, in series (persistence) or in parallel',
  T15: 'Unauthenticated or tampered build input (man in the middle)',
  T16: 'Package or tarball content differs from its public source (xz)',
  T17: 'Dependency confusion: public impostor preferred to private package',
  T18: 'Mid-build script fetch and theft of long-lived CI secrets (Codecov)',
  T19: 'Mutable reference re-pointed (action tag, image tag)',
  T20: 'Breakglass used as an attack path',
  T21: 'Choke point or proxy bypassed by direct deployment',
  T22: 'Compromised account, credential or IAM weakness',
  T23: 'Source platform compromised: moved tags, rewritten history, faked reviews',
  T24: 'Attacks on delivery: rollback, freeze, mix-and-match, stale keys (TUF catalogue)',
  T25: 'Vulnerable or malicious third-party component',
  T26: 'Poisoned public container image',
  T27: 'Compromised worker or step pivots into the pipeline',
  T28: 'Pipeline, policy or platform changed without review (administrator or single person)',
  T29: 'Enforcement without effect: fails open, unavailable, only warns, or avoided because slow or opaque',
  T30: 'Secrets leaked in source, image or label',
  T31: 'Good evidence used for a bad artifact; ambiguous evidence',
  T32: 'Collusion, or several insider accounts compromised (residual)',
  T33: 'Artifact content read by unauthorised parties',
  T34: 'Decision or build log altered, lost or insufficient',
} as const

export type ThreatId = keyof typeof threats

/** The threats that no rule of a list answers: what remains to be answered elsewhere, or not at all. */
export function unanswered(
  rules: Iterable<{ readonly threats: readonly ThreatId[] }>,
): readonly ThreatId[] {
  const answered = new Set([...rules].flatMap((rule) => rule.threats))
  return (Object.keys(threats) as ThreatId[]).filter((id) => !answered.has(id))
}
