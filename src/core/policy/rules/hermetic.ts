import { quote } from '#error'
import { claimed, type Fact } from '#trust'
import { z } from 'zod'
import { recipeBuildType } from '../build-types.ts'
import { judgeEach, type Finding, type Judgement } from '../judge-each.ts'
import {
  provenanceKind,
  type Isolation,
  type ProvenanceFacts,
  type Stated,
} from '../kinds/provenance.ts'
import type { Place, Rule, Testimony } from '../rule.ts'
import { bySchema } from '../schema-parts.ts'
import { fail, unstated } from './facts.ts'

const schema = z.strictObject({
  by: bySchema,
  root: z
    .enum(['pinned', 'measured'])
    .default('pinned')
    .describe('pinned: locked packages only; measured: also what was installed and measured'),
  networkAttempts: z
    .enum(['none', 'allowed'])
    .default('none')
    .describe('whether a build that tried to reach a network, in vain, still counts'),
})

type Parameters = z.output<typeof schema>

/** Built from declared inputs alone: no network, and a sandbox that was tried before it was used. */
export const hermetic: Rule<Parameters> = {
  name: 'hermetic',
  schema,
  threats: ['T11', 'T15', 'T18', 'T25'],
  threat:
    'The build fetched or read something that nobody declared: a dependency changed under way, a file of the build machine, an instruction from outside.',
  cannot:
    'It cannot tell whether the declared inputs are good, and only counts for builders that enforce isolation and record it; a flag that a workflow sets about itself is not asked for.',
  fixes: 'artifact',
  predicateTypes: () => [...provenanceKind.predicateTypes],
  evaluate: (rule, context) =>
    judgeEach(context.search(provenanceKind, rule.by), context, (testimony) =>
      judge(testimony, rule, context.place),
    ),
}

function judge({ said }: Testimony<ProvenanceFacts>, rule: Parameters, place: Place): Judgement {
  const { provenance, isolation } = said
  const builder = provenance.builderId
  if (provenance.buildType !== recipeBuildType) {
    return { findings: [unsupported(provenance.buildType, builder, place)], facts: [] }
  }
  const findings = [
    judgeRoot(isolation.root, rule, builder, place),
    judgeNetwork(isolation, builder, place),
    judgeAttempts(isolation.networkAttempts, rule, builder, place),
    ...judgeProbes(isolation, builder, place),
  ].filter((finding) => finding !== undefined)
  return { findings, facts: factsOf(isolation) }
}

function unsupported(buildType: string, builder: string, place: Place): Finding {
  return {
    verdict: 'UNSUPPORTED',
    problem: {
      code: 'HERMETIC_UNSUPPORTED',
      where: place.at(),
      expected: `provenance of a builder that enforces isolation and records it (build type ${quote(recipeBuildType)})`,
      found: buildType === '' ? 'provenance without build type' : `build type ${quote(buildType)}`,
      fix: `Build it with \`sallyport build\` instead of ${quote(builder)}, or leave "hermetic" out of this policy`,
    },
  }
}

function judgeRoot(
  root: Isolation['root'],
  rule: Parameters,
  builder: string,
  place: Place,
): Finding | undefined {
  const expected =
    rule.root === 'pinned' ? 'a pinned system root' : 'a pinned or measured system root'
  const stands = 'internalParameters.sallyport_sandbox.root'
  if (root.state !== 'stated') {
    return unstated(root, { name: 'the system root', stands, expected, builder }, place)
  }
  if (root.value === 'pinned' || rule.root === 'measured') return undefined
  return fail({
    code: 'HERMETIC_ROOT',
    where: place.at('root'),
    expected,
    found: 'a measured one: what was installed on the build machine, not what a lock names',
    fix: `Build it with a pinned root, or, if a measured one is enough here, write \`root: measured\` at ${place.line()}`,
  })
}

function judgeNetwork(isolation: Isolation, builder: string, place: Place): Finding | undefined {
  const { network, networkMode } = isolation
  const expected = 'a build without network'
  if (network.state !== 'stated') {
    const stands = 'internalParameters.sallyport_sandbox.network'
    return unstated(
      network,
      { name: 'the network of the sandbox', stands, expected, builder },
      place,
    )
  }
  if (networkMode.state !== 'stated') {
    const stands = 'internalParameters.sallyport_network.mode'
    return unstated(
      networkMode,
      { name: 'how attempts were noticed', stands, expected, builder },
      place,
    )
  }
  if (network.value === 'none' && networkMode.value === 'recorded') return undefined
  return fail({
    code: 'HERMETIC_NETWORK',
    where: place.at(),
    expected: 'network "none", with attempts "recorded"',
    found: `network ${quote(network.value, 40)}, with attempts ${quote(networkMode.value, 40)}`,
    fix: 'Build it with `sallyport build`, which gives a build no network and records what it tries',
  })
}

function judgeAttempts(
  attempts: Stated<number>,
  rule: Parameters,
  builder: string,
  place: Place,
): Finding | undefined {
  const expected = 'no attempt to reach a network'
  if (attempts.state !== 'stated') {
    const stands = 'internalParameters.sallyport_network.attempts'
    return unstated(
      attempts,
      { name: 'attempts to reach a network', stands, expected, builder },
      place,
    )
  }
  if (attempts.value === 0 || rule.networkAttempts === 'allowed') return undefined
  return fail({
    code: 'HERMETIC_NETWORK_ATTEMPTS',
    where: place.at('networkAttempts'),
    expected,
    found: `${attempts.value} (blocked; the network report in the byproducts lists them)`,
    fix: `Remove from the build what reaches for a network, or, if it does no harm, write \`networkAttempts: allowed\` at ${place.line()}`,
  })
}

/** A sandbox that was not tried is a sandbox that nobody knows: no probe at all is no pass. */
function judgeProbes(isolation: Isolation, builder: string, place: Place): Finding[] {
  const { probesPassed: passed, probesFailed: failed } = isolation
  const expected = 'isolation probes that all held'
  const stands = 'internalParameters.sallyport_probes'
  const question = { name: 'the result of the isolation probes', stands, expected, builder }
  if (passed.state !== 'stated') return [unstated(passed, question, place)]
  if (failed.state !== 'stated') return [unstated(failed, question, place)]
  if (passed.value > 0 && failed.value === 0) return []
  return [
    fail({
      code: 'HERMETIC_PROBES',
      where: place.at(),
      expected,
      found: `${passed.value} held, ${failed.value} did not`,
      fix: 'Run `sallyport doctor` on the build machine, repair its sandbox, and build again',
    }),
  ]
}

function factsOf(isolation: Isolation): readonly Fact[] {
  const { backend, root, network, networkAttempts, probesPassed } = isolation
  const facts: readonly (readonly [string, Stated<string | number>])[] = [
    ['sandbox.backend', backend],
    ['sandbox.root', root],
    ['sandbox.network', network],
    ['network.attempts', networkAttempts],
    ['probes.passed', probesPassed],
  ]
  return facts.flatMap(([name, fact]) =>
    fact.state === 'stated' ? [claimed(name, fact.value)] : [],
  )
}
