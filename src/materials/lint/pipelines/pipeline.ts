import { parseYaml, type Json, type JsonObject, type Path } from '#document'
import { SallyportError } from '#error'

/** One thing that a pipeline runs: a shell text, or an action of somebody. */
export interface PipelineStep {
  /** `file:line:column job/step`, the place of a problem. */
  readonly at: (field?: string) => string
  readonly run: string
  readonly uses: string
  /** Whether the pipeline goes on when it fails, and the field that says so. */
  readonly tolerated?: string
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
  return {
    kind: 'github',
    steps: jobs.flatMap(({ name, job }) =>
      asList(job['steps']).map((each, index): PipelineStep => {
        const step = asObject(each)
        const path = ['jobs', name, 'steps', index]
        const own = isTrue(step['continue-on-error'])
        const tolerated = own || isTrue(job['continue-on-error'])
        return {
          at: (field) =>
            `${locate(field === undefined ? path : [...path, field])} jobs.${name}.steps[${index}]`,
          run: asText(step['run']),
          uses: asText(step['uses']),
          ...(tolerated
            ? { tolerated: own ? 'continue-on-error' : 'continue-on-error of its job' }
            : {}),
        }
      }),
    ),
    runners: jobs.map(({ name, job }) => ({
      at: `${locate(['jobs', name, 'runs-on'])} jobs.${name}.runs-on`,
      labels: labelsOf(job['runs-on']),
    })),
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
    runners: jobs.map(([name, job]) => ({
      at: `${locate([name, 'tags'])} ${name}.tags`,
      labels: labelsOf(asObject(job)['tags'] ?? defaults['tags']),
    })),
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

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function asObject(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {}
}
