import { showArtifact, type ArtifactPattern } from '../artifact-name.ts'
import type { Duration } from '../duration.ts'
import { showLocation, type Location } from '../location.ts'
import { showRef, type RefPattern } from '../ref.ts'
import type { BoundRule } from '../policy.ts'

type Parameters = Readonly<Record<string, unknown>>

/** What a rule demands, as one sentence each: readable by whoever has never seen a policy. */
export function demandsOf({ rule, parameters }: BoundRule): readonly string[] {
  const say = sentences[rule.name]
  const given = parameters as unknown as Parameters
  if (say !== undefined) return say(given).filter((sentence) => sentence !== '')
  // A rule that nobody has put into words yet is shown as it is written, never left out.
  return [`The rule "${rule.name}" holds with ${JSON.stringify(given)}.`]
}

const text = (value: unknown): string => String(value)
const span = (value: unknown): string => (value as Duration).text
const list = (value: unknown, word = 'and'): string => {
  const items = [...(value as readonly unknown[])].map((item) => show(item))
  return items.length < 2
    ? items.join('')
    : `${items.slice(0, -1).join(', ')} ${word} ${items.at(-1)}`
}
const show = (value: unknown): string =>
  typeof value === 'object' && value !== null && 'prefix' in value
    ? showLocation(value as Location)
    : JSON.stringify(value)
const oneOf = (value: unknown): string => (Array.isArray(value) ? list(value, 'or') : show(value))
const refsOf = (refs: unknown): string => (refs as readonly RefPattern[]).map(showRef).join(' or ')
const people = (count: unknown): string =>
  Number(count) === 1 ? 'One owner' : `${text(count)} different owners`
const when = (value: unknown, sentence: (value: unknown) => string): string =>
  value === undefined ? '' : sentence(value)

const sentences: Readonly<Record<string, (parameters: Parameters) => readonly string[]>> = {
  signed: ({ types, count }) => [
    types === undefined
      ? 'There is signed provenance about exactly these bytes, whatever it says.'
      : `There is a signed statement of type ${list(types, 'or')} about exactly these bytes.`,
    Number(count) > 1 ? `${people(count)} of keys have signed it.` : '',
  ],
  built: ({ level, from, refs, recipe, buildType, parameters, unmentionedUnsafe }) => [
    `A named builder built exactly these bytes, at SLSA Build level ${text(level)} or higher.`,
    `It built them from ${oneOf(from)}${refs === undefined ? '' : `, from ${refsOf(refs)}`}.`,
    when(recipe, (path) => `The build instructions are ${oneOf(path)} of that repository.`),
    when(buildType, (type) => `It was built in the way ${show(type)}.`),
    unmentionedUnsafe === true
      ? 'Whoever started the build may have chosen everything else: other refs, recipes and parameters.'
      : parameterSentence(parameters as Readonly<Record<string, unknown>>),
  ],
  hermetic: ({ root, networkAttempts }) => [
    'The build had no network, and all its inputs were known before it began.',
    root === 'pinned'
      ? 'The system that it saw was unpacked from locked packages.'
      : 'The system that it saw was unpacked from locked packages, or what was installed there was measured.',
    networkAttempts === 'none' ? 'It did not even try to reach a network.' : '',
  ],
  reviewed: ({ approvals }) => [
    `${Number(approvals) === 1 ? 'One person' : `${text(approvals)} different people`} other than its author approved the very commit that was built.`,
  ],
  tested: ({ suites, of, warnings }) => [
    `The test suites ${list(suites)} passed for the ${of === 'artifact' ? 'artifact itself' : 'commit that was built'}.`,
    warnings === 'deny' ? 'A run with warnings does not count.' : 'A run with warnings counts.',
  ],
  scanned: ({ within, database, deny }) => {
    const { severity, unless, vexBy } = deny as Parameters
    return [
      `The newest scan for known vulnerabilities is not older than ${span(within)}, and found none of severity ${text(severity)} or worse.`,
      when(database, (age) => `Its database of vulnerabilities was not older than ${span(age)}.`),
      unless === undefined
        ? ''
        : `What a VEX document${vexBy === undefined ? '' : ` by ${list(vexBy, 'or')}`} says to be fixed or harmless here does not count.`,
    ]
  },
  sbom: ({ licenses, packages }) => {
    const { allow, deny, unknown } = (licenses ?? {}) as Parameters
    return [
      'There is a list of components (SBOM) about exactly these bytes.',
      when(allow, (names) => `Every component has one of the licences ${list(names, 'or')}.`),
      when(deny, (names) => `No component has the licence ${list(names, 'or')}.`),
      when(licenses, () =>
        unknown === 'deny'
          ? 'Of every component it is said which licence it has.'
          : 'Components of which no licence is said are accepted.',
      ),
      when(packages, (given) => `None of ${list((given as Parameters)['deny'], 'or')} is inside.`),
    ]
  },
  recent: ({ commit, build, version }) => [
    when(commit, (age) => `The commit is not older than ${span(age)}.`),
    when(build, (age) => `The build is not older than ${span(age)}.`),
    when(version, (least) =>
      typeof least === 'string'
        ? `The version is ${least}.`
        : `The versions are ${Object.entries(least as object)
            .map(([name, value]) => `${name} ${text(value)}`)
            .join(', ')}.`,
    ),
  ],
  allowed: ({ environment, count }) => [
    `${people(count)} of keys approved exactly these bytes for ${environment === undefined ? 'the environment in question' : `the environment ${show(environment)}`}, and the approval has not expired.`,
  ],
  verified: ({ form, verifier, resource, levels, within }) => [
    `The verifier ${show(verifier)} checked the artifact and says ${list(levels)} (${form === 'svr' ? 'a simple verification result' : 'a SLSA verification summary'}).`,
    when(resource, (uri) => `It checked it as ${show(uri)}.`),
    when(within, (age) => `That is not longer ago than ${span(age)}.`),
  ],
  minimumLevel: ({ level }) => [
    `Provenance, or a verification summary, reaches SLSA Build level ${text(level)} or higher.`,
  ],
  reproduced: ({ count }) => [
    `${people(count)} built the same bytes, each on a builder of their own.`,
  ],
  dependencies: ({ allow, deny, verified }) => {
    const { verifier, levels, except } = (verified ?? {}) as Parameters
    return [
      when(
        allow,
        (places) => `Every dependency that the provenance names comes from ${list(places, 'or')}.`,
      ),
      when(
        deny,
        (places) => `No dependency that the provenance names comes from ${list(places, 'or')}.`,
      ),
      when(
        verified,
        () =>
          `Each of them was checked by the verifier ${show(verifier)}, which says ${list(levels)}.`,
      ),
      when(except, (places) => `That need not be for what comes from ${list(places, 'or')}.`),
    ]
  },
  layout: ({ signedBy, layout }) => [
    `It was made in the steps, by the functionaries and from the files that a signed in-toto layout ${layout === undefined ? '' : `(${text(layout)}) `}demands.`,
    when(signedBy, (names) => `The layout is signed by ${list(names)}.`),
  ],
  custom: ({ type, expects }) => [
    `What statements of type ${show(type)} say is as a rule of this organisation expects: ${text(expects)}.`,
  ],
}

function parameterSentence(parameters: Readonly<Record<string, unknown>>): string {
  const allowed = Object.entries(parameters).map(([name, values]) =>
    Array.isArray(values) ? `${name} (${list(values, 'or')})` : `${name} (anything)`,
  )
  return allowed.length === 0
    ? 'Whoever started the build chose no other parameter.'
    : `Whoever started the build chose no parameter but ${allowed.join(', ')}.`
}

/** What may run there, in words. */
export function artifactsOf(patterns: readonly ArtifactPattern[]): string {
  return patterns.map(showArtifact).join(' or ')
}
