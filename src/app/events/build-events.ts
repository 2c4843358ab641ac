import type { SecurityEventData } from '#api'
import type { BuildBegun, BuildDefined, BuildEnded, BuildRecord } from '#log'
import { cut } from '#events'
import type { RecordData } from './event.ts'

type Build = NonNullable<SecurityEventData['build']>
type Trigger = BuildBegun['trigger']

const most = 10

/** Who has asked for it, as far as that is known. */
export function askedBy({ requester, principal }: Partial<Trigger>) {
  return {
    ...(typeof requester === 'string' ? { requester: cut(requester, 400) } : {}),
    ...(typeof principal === 'string' ? { principal: cut(principal, 400) } : {}),
  }
}

export function ofBegun({ time, build, trigger, request }: BuildBegun): RecordData {
  const { repository, revision, ref, recipe, parameters } = request
  const given = Object.entries(parameters).slice(0, most)
  return {
    summary: `a build of ${repository} at ${revision} was asked for by ${trigger.principal ?? trigger.requester}`,
    time,
    ...askedBy(trigger),
    build: {
      id: cut(build, 40),
      repository: cut(repository, 400),
      revision: cut(revision, 200),
      ...(ref === undefined ? {} : { ref: cut(ref, 400) }),
      recipe: cut(recipe, 400),
      parameters: Object.fromEntries(
        given.map(([name, value]) => [cut(name, 64), cut(value, 200)]),
      ),
    },
  }
}

export function ofDefined({
  time,
  build,
  source,
  definition,
  inputCount,
}: BuildDefined): RecordData {
  return {
    summary: `a build of ${source.uri} at ${source.commit} is settled: ${inputCount} inputs`,
    time,
    build: { id: cut(build, 40), ...sourceOf(source), definition: cut(definition, 128) },
  }
}

/** `trigger` stands in the entry with which it began. */
export function ofEnded(ended: BuildEnded, trigger: Partial<Trigger>): RecordData {
  const { time, outcome } = ended
  const build = { id: cut(ended.build, 40), outcome: cut(outcome, 20) }
  const who = askedBy(trigger)
  if (ended.outcome === 'failed') {
    const problems = ended.problems.slice(0, 20).map((code) => cut(code, 100))
    return {
      summary: `a build has failed: ${problems.join(', ')}`,
      time,
      ...who,
      build: { ...build, problems },
    }
  }
  const { record } = ended
  return {
    summary: `${outcome}: ${namesOf(ended)}`,
    time,
    ...who,
    ...onlyOne(ended),
    build: {
      ...build,
      ...made(ended),
      ...(record === undefined
        ? {}
        : {
            record: {
              log: cut(record.origin, 255),
              ...('index' in record ? { entry: record.index } : {}),
            },
          }),
    },
  }
}

/** Who has told of it is the builder; who asked for it is what the builder says. */
export function ofRecorded({ time, requester, principal, recorded }: BuildRecord): RecordData {
  const { build, log, trigger, source, definition, outcome } = recorded
  return {
    summary: `a build of ${source.uri} at ${source.commit} was recorded by ${principal ?? requester}: ${namesOf(recorded)}`,
    time,
    ...askedBy({ requester, ...(principal === undefined ? {} : { principal }) }),
    ...onlyOne(recorded),
    build: {
      id: cut(build, 40),
      ...sourceOf(source),
      definition: cut(definition, 128),
      outcome: cut(outcome, 20),
      ...made(recorded),
      log: cut(log.origin, 255),
      trigger: { requester: '', ...askedBy(trigger) },
    },
  }
}

type Made = Pick<BuildRecord['recorded'], 'artifacts' | 'provenance'>

function namesOf({ artifacts }: Made): string {
  return artifacts.map(({ name }) => name).join(', ')
}

function artifactsOf({ artifacts }: Made) {
  return artifacts
    .slice(0, most)
    .map(({ name, sha256 }) => ({ name: cut(name, 400), sha256: cut(sha256, 128) }))
}

/** An event has one subject, or none. */
function onlyOne(made: Made): Pick<SecurityEventData, 'artifact'> {
  const [artifact, ...others] = artifactsOf(made)
  return artifact === undefined || others.length > 0 ? {} : { artifact }
}

function made(one: Made): Partial<Build> {
  const artifacts = artifactsOf(one)
  const omitted = one.artifacts.length - artifacts.length
  return {
    artifacts,
    ...(omitted > 0 ? { artifactsOmitted: omitted } : {}),
    builder: cut(one.provenance.builderId, 400),
    provenance: cut(one.provenance.sha256, 128),
  }
}

function sourceOf({ uri, commit, ref }: BuildDefined['source']): Partial<Build> {
  return {
    repository: cut(uri, 400),
    commit: cut(commit, 128),
    ...(ref === undefined ? {} : { ref: cut(ref, 400) }),
  }
}
