import { cut } from '#document'
import { quote, type Problem } from '#error'
import {
  isNamed,
  judgeEach,
  packageOf,
  provenanceKind,
  showArtifact,
  vouchingKind,
  type ArtifactPattern,
  type Judgement,
  type Outcome,
  type Policy,
  type RuleContext,
} from '#policy'
import { claimed } from '#trust'

/**
 * POL-16: a service runs only its own artifacts. What counts is what the builder calls the artifact, because what the
 * requester calls it costs nothing to choose.
 */
export function judgeBinding(
  policy: Policy,
  patterns: readonly ArtifactPattern[],
  context: RuleContext,
): Outcome {
  const builders = buildersOf(policy)
  const types = vouchingTypes(policy)
  const judgeNames = ({ said }: { readonly said: { readonly names: readonly string[] } }) =>
    judge(said.names, patterns, policy, context)
  if (builders.length === 0 && types.length > 0) {
    const search = context.search(vouchingKind(types), namesOf(policy.rules))
    // One image may be signed under several names: that it has another one as well contradicts nothing.
    const own = search.found.filter((one) => judgeNames(one).findings.length === 0)
    return judgeEach(own.length > 0 ? { found: own } : search, context, judgeNames)
  }
  // A policy that asks nobody about builds believes everybody whom it names at all.
  const by = builders.length > 0 ? builders : namesOf(policy.rules)
  return judgeEach(context.search(provenanceKind, by), context, judgeNames)
}

/** What a policy that asks nobody about builds takes for a signature: that names the artifact, too. */
function vouchingTypes({ rules }: Policy): readonly string[] {
  const asked = rules.filter(({ rule }) => rule.name === 'signed')
  return [...new Set(asked.flatMap(({ rule, parameters }) => rule.predicateTypes(parameters)))]
}

/** Whoever some rule of the policy believes about how artifacts are built. */
export function buildersOf({ rules }: Policy): readonly string[] {
  const asking = rules.filter(({ rule, parameters }) =>
    rule.predicateTypes(parameters).some((type) => provenanceKind.predicateTypes.has(type)),
  )
  return namesOf(asking)
}

function namesOf(rules: Policy['rules']): readonly string[] {
  return [...new Set(rules.flatMap(({ parameters }) => parameters.by))]
}

function judge(
  names: readonly string[],
  patterns: readonly ArtifactPattern[],
  policy: Policy,
  { request, place }: RuleContext,
): Judgement {
  const facts = names.slice(0, 4).map((name) => claimed('artifact.name', cut(name, 500)))
  const wanted = patterns.map(showArtifact).join(' or ')
  const where = place.at()
  if (names.length === 0) {
    const problem: Problem = {
      code: 'FACT_MISSING',
      where,
      expected: `a name for the artifact: ${wanted}`,
      found: 'provenance that names its subject by digest only',
      fix: `Build with a builder that names its outputs, or leave "artifacts" out of ${policy.file} and bind the service by "from" alone`,
    }
    return { findings: [{ verdict: 'MISSING', problem }], facts }
  }
  const isOwn = names.some((name) => patterns.some((pattern) => isNamed(name, pattern)))
  if (isOwn && isNamedRightly(request.artifact.name, names)) return { findings: [], facts }
  const shown = names.slice(0, 4).map((name) => quote(name, 100))
  const problem: Problem = {
    code: 'ARTIFACT_NOT_OF_TARGET',
    where,
    expected: isOwn ? `the artifact that its builder calls ${shown.join(', ')}` : wanted,
    found: isOwn
      ? `the same bytes under the name ${quote(request.artifact.name, 100)}`
      : `an artifact that its builder calls ${shown.join(', ')}`,
    fix: `Deploy an artifact of ${quote(request.target.service, 100)} here, or, if this is one of its own, add its name to "artifacts" at ${place.line()}`,
  }
  return { findings: [{ verdict: 'FAIL', problem, hop: 'artifact → service' }], facts }
}

/** A request that gives a package URL must give the one that the builder gave; other names are only labels. */
function isNamedRightly(requested: string, names: readonly string[]): boolean {
  const packages = names.filter((name) => name.startsWith('pkg:')).map(packageOf)
  if (!requested.startsWith('pkg:') || packages.length === 0) return true
  return packages.includes(packageOf(requested))
}
