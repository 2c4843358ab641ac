import { quote } from '#error'
import type { PipelineLint } from '../lint.ts'
import type { Pipeline, PipelineJob, PipelineStep } from '../pipeline.ts'
import { inBackground, logicalLines, swallows } from '../shell-text.ts'

const gates = /\bsallyport\s+(?:gate|verify)\b/
const gateAction = /sallyport|deploy\/github(?:@|$)/i
const deploys =
  /\b(?:kubectl\s+(?:apply|create|replace|patch|set\s+image|rollout\s+restart)|helm\s+(?:install|upgrade|push)|(?:docker|podman|buildah)\s+push|crane\s+(?:copy|cp|push|tag)|skopeo\s+(?:copy|sync)|oras\s+(?:push|copy|cp)|npm\s+publish|yarn\s+(?:npm\s+)?publish|pnpm\s+publish|twine\s+upload|cargo\s+publish|gem\s+push|mvn\s+\S*deploy|dput|reprepro\s+include\w*|psql\s+\S.*-f|flyway\s+migrate|liquibase\s+update|terraform\s+apply|tofu\s+apply|ansible-playbook|aws\s+(?:ecs\s+update-service|lambda\s+update-function-code|s3\s+(?:cp|sync))|gcloud\s+(?:run\s+deploy|app\s+deploy)|gh\s+release\s+(?:create|upload))\b/
const deployingAction = /^[^@]*(?:deploy|publish|promote|helm-upgrade)/i

interface Event {
  readonly kind: 'gate' | 'deploy'
  readonly step: PipelineStep
  readonly text: string
}

interface Finding {
  readonly where: string
  readonly found: string
  readonly fix: string
}

export const beside: PipelineLint = {
  code: 'LINT_CI_BESIDE',
  severity: 'warning',
  entries: ['DEP-15'],
  why: 'The gate is asked, and what it is asked about is deployed whatever it says: it runs beside the deployment, after it, or the deployment goes on without it.',
  find: (pipeline) => {
    const isAsked = pipeline.jobs.some(
      (job) => gateAction.test(job.uses) || eventsOf(job).some(({ kind }) => kind === 'gate'),
    )
    if (!isAsked) return []
    return pipeline.jobs.flatMap((job) => {
      const finding = judge(job, pipeline)
      if (finding === undefined) return []
      return [{ expected: 'a deployment that begins only after the gate has said yes', ...finding }]
    })
  },
}

/** The first thing that a job deploys without having waited for a gate that can stop it. */
function judge(job: PipelineJob, { jobs }: Pipeline): Finding | undefined {
  const events = eventsOf(job)
  const guarded = guardOf(job, jobs)
  if (guarded === 'waits') {
    const late = events.find(({ kind, step }) => kind === 'deploy' && runsAnyway(step))
    return late && finding(late, `if: ${late.step.condition ?? ''}`, 'Remove that condition')
  }
  const bare = events.find(
    (event, at) =>
      event.kind === 'deploy' &&
      !events.slice(0, at).some((one) => one.kind === 'gate' && counts(one, event)),
  )
  if (bare === undefined) return undefined
  if (guarded !== undefined)
    return finding(bare, guarded, 'Let the job run only when the gate has ended well')
  const after = events.some(({ kind }, at) => kind === 'gate' && at > events.indexOf(bare))
  const how = after ? 'before the gate' : 'without waiting for the gate'
  const fix =
    'Deploy with `sallyport gate … -- COMMAND`, or let this job wait for the job of the gate ("needs")'
  return finding(bare, how, fix)
}

function finding({ step, text }: Event, how: string, fix: string): Finding {
  const where = step.at(step.run === '' ? 'uses' : 'run')
  return { where, found: `${quote(text.replace(/\s+/g, ' '), 80)} ${how}`, fix }
}

/** `waits`: a job with a gate has to end well first. A text: it is named, and this job runs all the same. */
function guardOf(job: PipelineJob, jobs: readonly PipelineJob[]): string | undefined {
  const named = new Map(jobs.map((one) => [one.name, one]))
  const seen = new Set<string>()
  const waiting = [...job.after]
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const one = named.get(name)
    if (one === undefined || seen.has(name)) continue
    seen.add(name)
    const stops = eventsOf(one).some((event) => event.kind === 'gate' && counts(event))
    if (stops) return job.runsAnyway ?? one.leftOut ?? 'waits'
    // Whoever runs in spite of a gate does not hand on that it said no.
    if (one.runsAnyway === undefined) waiting.push(...one.after)
  }
  return undefined
}

/** Whether a gate that says no ends the job, as far as one that deploys in it is concerned. */
function counts({ step }: Event, before?: Event): boolean {
  if (step.tolerated !== undefined || swallows(step.run, gates) !== undefined) return false
  if (inBackground(step.run, gates)) return false
  if (before !== undefined && runsAnyway(before.step)) return false
  return step.condition === undefined || step.condition === before?.step.condition
}

function runsAnyway({ condition = '' }: PipelineStep): boolean {
  return /\balways\(\)|\bfailure\(\)|\bcancelled\(\)/.test(condition)
}

/** Gates and deployments in the order in which a job comes to them. What a gate runs itself comes behind it. */
function eventsOf({ steps, uses, hasOwnScript, at }: PipelineJob): readonly Event[] {
  const own = steps.flatMap((step) => [...actionOf(step), ...commandsOf(step)])
  const outer: PipelineStep = { at, run: '', uses }
  return hasOwnScript ? own : [...actionOf(outer), ...own]
}

function actionOf(step: PipelineStep): readonly Event[] {
  const { uses } = step
  if (uses === '') return []
  if (gateAction.test(uses)) return [{ kind: 'gate', step, text: uses }]
  return deployingAction.test(uses) ? [{ kind: 'deploy', step, text: uses }] : []
}

function commandsOf(step: PipelineStep): readonly Event[] {
  return logicalLines(step.run).flatMap((line) => {
    const events = [
      { kind: 'gate', match: gates.exec(line) },
      { kind: 'deploy', match: deploys.exec(line) },
    ] as const
    return events
      .flatMap(({ kind, match }) =>
        match === null ? [] : [{ kind, at: match.index, text: match[0] }],
      )
      .sort((a, b) => a.at - b.at)
      .map(({ kind, text }): Event => ({ kind, step, text }))
  })
}
