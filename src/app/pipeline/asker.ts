import { cut } from '#document'
import { whoAsks } from '../verify.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Where pipelines say on whose behalf they run. Whoever controls the pipeline controls these. */
const claims: readonly (readonly [platform: string, marker: string, name: string])[] = [
  ['github', 'GITHUB_ACTIONS', 'GITHUB_ACTOR'],
  ['gitlab', 'GITLAB_CI', 'GITLAB_USER_LOGIN'],
  ['jenkins', 'JENKINS_URL', 'BUILD_USER_ID'],
]

/**
 * Who asks in a pipeline: as the pipeline claims, to be shown; and as this machine knows, which alone is compared with those
 * who may deploy.
 */
export function askerOf(env: Environment): ReturnType<typeof whoAsks> {
  const own = whoAsks()
  for (const [platform, marker, name] of claims) {
    const value = env[name] ?? ''
    if ((env[marker] ?? '') !== '' && value !== '')
      return { ...own, requester: `${platform}:${cut(value, 200)}` }
  }
  return own
}
