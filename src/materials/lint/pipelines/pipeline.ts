import { isObject, parseYaml, type Json, type JsonObject, type Path } from '#document'
import { SallyportError } from '#error'

/** One thing that a pipeline runs: a shell text, or an action of somebody. */
export interface PipelineStep {
  /** `file:line:column job/step`, the place of a problem. */
  readonly at: (field?: string) => string
  readonly run: string
  readonly uses: string
  /** Whether the pipeline goes on when it fails, and the field that says so. */
  readonly tolerated?: string
  /** When it is run, where not always. */
  readonly condition?: string
}

/** What a pipeline runs together, and what it waits for. */
export interface PipelineJob {
  readonly name: string
  readonly at: (field?: string) => string
  readonly steps: readonly PipelineStep[]
  /** Jobs that have to end well before it begins. */
  readonly after: readonly string[]
  /** Why it is run whatever has become of those. */
  readonly runsAnyway?: string
  /** Why it may not be run, and the pipeline goes on without it. */
  readonly leftOut?: string
  /** What it takes from elsewhere: a workflow or a template. */
  readonly uses: string
  /** Whether what it runs is its own, and not that of the template. */
  readonly hasOwnScript: boolean
}

/** Where a job runs. */
export interface PipelineRunner {
  readonly at: string
  readonly labels: readonly string[]
}

/** A pipeline file, as far as lints look at it. */
export interface Pipeline {
  readonly kind: 'github' | 'gitlab'
  readonly steps: readonly PipelineStep[]
  readonly jobs: readonly PipelineJob[]
  readonly runners: readonly PipelineRunner[]
}

type Locate = (path: Path) => string

/**
 * Reads a GitHub workflow or a GitLab pipeline. What other files bring in (`include`, reusable workflows, actions) is not
 * followed.
 *
 * @throws SallyportError DOCUMENT_…; LINT_CI_UNKNOWN when it is neither, or has nothing that runs
 */
export function readPipeline(file: string, bytes: Uint8Array): Pipeline {
  const { value, locate } = parseYaml(bytes, { file })
  const root = asObject(value)
  const pipeline = isObject(root['jobs']) ? github(root, locate) : gitlab(root, locate)
  if (pipeline.steps.length > 0) return pipeline
  throw new SallyportError({
    code: 'LINT_CI_UNKNOWN',
    where: file,
    expected: 'a GitHub workflow with "jobs" and "steps", or GitLab jobs with "script"',
    found: 'nothing that runs',
    fix: 'Name the file of a pipeline, such as .github/workflows/release.yml or .gitlab-ci.yml',
  })
}

function github(root: JsonObject, locate: Locate): Pipeline {
  const jobs = Object.entries(asObject(root['jobs'])).map(([name, job]) => ({
    name,
    job: asObject(job),
  }))
  const read = jobs.map(({ name, job }) => githubJob(name, job, locate))
  return {
    kind: 'github',
    steps: read.flatMap(({ steps }) => steps),
    jobs: read,
    runners: jobs.map(({ name, job }) => ({
      at: `${locate(['jobs', name, 'runs-on'])} jobs.${name}.runs-on`,
      labels: labelsOf(job['runs-on']),
    })),
  }
}

function githubJob(name: string, job: JsonObject, locate: Locate): PipelineJob {
  const condition = asText(job['if'])
  const anyway =
    /\balways\(\)|\bfailure\(\)|\bcancelled\(\)/.test(condition) &&
    !/needs\.[\w-]+\.result\s*==\s*'success'/.test(condition)
  return {
    name,
    at: (field) =>
      `${locate(['jobs', name, ...(field === undefined ? [] : [field])])} jobs.${name}`,
    steps: asList(job['steps']).map((each, index) =>
      githubStep({ name, job, each, index, locate }),
    ),
    after: labelsOf(job['needs']),
    uses: asText(job['uses']),
    hasOwnScript: false,
    ...(anyway ? { runsAnyway: `"if: ${condition}"` } : {}),
  }
}

interface GithubStep {
  readonly name: string
  readonly job: JsonObject
  readonly each: Json
  readonly index: number
  readonly locate: Locate
}

function githubStep({ name, job, each, index, locate }: GithubStep): PipelineStep {
  const step = asObject(each)
  const path = ['jobs', name, 'steps', index]
  const own = isTrue(step['continue-on-error'])
  const tolerated = own || isTrue(job['continue-on-error'])
  const condition = asText(step['if'])
  return {
    at: (field) =>
      `${locate(field === undefined ? path : [...path, field])} jobs.${name}.steps[${index}]`,
    run: asText(step['run']),
    uses: asText(step['uses']),
    ...(tolerated ? { tolerated: own ? 'continue-on-error' : 'continue-on-error of its job' } : {}),
    ...(condition === '' ? {} : { condition }),
  }
}

/** `runs-on` is a label, a list of them, or `{group, labels}`. */
function labelsOf(value: Json | undefined): readonly string[] {
  if (isObject(value)) return [...labelsOf(value['group']), ...labelsOf(value['labels'])]
  return (Array.isArray(value) ? (value as readonly Json[]) : [value]).map(asText)
}

const scripts = ['before_script', 'script', 'after_script']

function gitlab(root: JsonObject, locate: Locate): Pipeline {
  const defaults = asObject(root['default'])
  const jobs = Object.entries(root).filter(
    ([name, job]) => name !== 'default' && isObject(job) && job['script'] !== undefined,
  )
  const shared = [
    ...scriptSteps(root, [], 'pipeline', locate),
    ...scriptSteps(defaults, ['default'], 'default', locate),
  ]
  return {
    kind: 'gitlab',
    steps: [
      ...shared,
      ...jobs.flatMap(([name, job]) => scriptSteps(asObject(job), [name], name, locate)),
    ],
    jobs: gitlabJobs(root, locate),
    runners: jobs.map(([name, job]) => ({
      at: `${locate([name, 'tags'])} ${name}.tags`,
      labels: labelsOf(asObject(job)['tags'] ?? defaults['tags']),
    })),
  }
}

/** Jobs by their stages: what stands in an earlier one has to end well, unless a job names what it waits for. */
function gitlabJobs(root: JsonObject, locate: Locate): readonly PipelineJob[] {
  const stages = Array.isArray(root['stages'])
    ? (root['stages'] as readonly Json[]).map(asText)
    : ['build', 'test', 'deploy']
  const order = ['.pre', ...stages, '.post']
  const found = Object.entries(root).flatMap(([name, value]) => {
    const job = asObject(value)
    const isJob = ['script', 'extends', 'trigger'].some((field) => job[field] !== undefined)
    if (name === 'default' || name.startsWith('.') || !isJob) return []
    return [{ name, job, rank: order.indexOf(asText(job['stage']) || 'test') }]
  })
  return found.map(({ name, job, rank }): PipelineJob => {
    const earlier = found.filter((one) => one.rank < rank).map((one) => one.name)
    const { anyway, leftOut } = gitlabConditions(job)
    return {
      name,
      at: (field) => `${locate(field === undefined ? [name] : [name, field])} ${name}`,
      steps: scriptSteps(job, [name], name, locate),
      after: Array.isArray(job['needs']) ? needsOf(job['needs'] as readonly Json[]) : earlier,
      uses: labelsOf(job['extends']).join(' '),
      hasOwnScript: job['script'] !== undefined,
      ...(anyway === undefined ? {} : { runsAnyway: anyway }),
      ...(leftOut === undefined ? {} : { leftOut }),
    }
  })
}

/** A need that is optional is none: whoever can leave the job out can go without it. */
function needsOf(needs: readonly Json[]): readonly string[] {
  return needs.flatMap((need) => {
    if (typeof need === 'string') return [need]
    const { job, optional } = asObject(need)
    return optional === true ? [] : [asText(job)]
  })
}

function gitlabConditions(job: JsonObject): {
  readonly anyway: string | undefined
  readonly leftOut: string | undefined
} {
  const whens = [job, ...asList(job['rules']).map(asObject)].map((one) => asText(one['when']))
  const anyway = whens.find((when) => when === 'always' || when === 'on_failure')
  // GitLab goes on past a manual job, unless `allow_failure: false` says otherwise.
  const isManual = asText(job['when']) === 'manual' && job['allow_failure'] !== false
  return {
    anyway: anyway === undefined ? undefined : `"when: ${anyway}"`,
    leftOut: isManual ? '"when: manual"' : undefined,
  }
}

function scriptSteps(
  job: JsonObject,
  path: Path,
  name: string,
  locate: Locate,
): readonly PipelineStep[] {
  const tolerated = isTrue(job['allow_failure']) || isObject(job['allow_failure'])
  return scripts.flatMap((script): readonly PipelineStep[] => {
    const lines = linesOf(job[script])
    if (lines.length === 0) return []
    return [
      {
        at: () => `${locate([...path, script])} ${name}.${script}`,
        run: lines.join('\n'),
        uses: '',
        // What runs after a job cannot make it fail.
        ...(script === 'after_script' ? { tolerated: script } : {}),
        ...(tolerated ? { tolerated: 'allow_failure' } : {}),
      },
    ]
  })
}

function linesOf(value: Json | undefined): readonly string[] {
  if (typeof value === 'string') return [value]
  return Array.isArray(value) ? (value as readonly Json[]).flatMap(linesOf) : []
}

/** An expression may be true: whoever can make it so decides. */
function isTrue(value: Json | undefined): boolean {
  return value === true || (typeof value === 'string' && value.trim() !== 'false')
}

function asText(value: Json | undefined): string {
  return typeof value === 'string' ? value : ''
}

function asList(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : []
}

function asObject(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {}
}
