import type { EvaluatedStep } from '../recipe/evaluate.ts'
import type { Recipe } from '../recipe/schema.ts'

/** Where the programs of a toolchain are linked, in its folder. */
export const binFolder = '.bin'

/**
 * What the commands of every step are started with, beside what the worker fixes for all builds (home, temporary folder,
 * locale, time zone). It is a function of the recipe and the commit; nothing of this machine gets in.
 */
export function environmentOf(
  recipe: Recipe,
  commitTime: number,
): Readonly<Record<string, string>> {
  const tools = recipe.toolchains.map(({ at }) => `${at}/${binFolder}`)
  const epoch = recipe.sourceDateEpoch === 'commit' ? commitTime : recipe.sourceDateEpoch
  return {
    ...recipe.env,
    PATH: [...tools, '/usr/bin', '/bin'].join(':'),
    SOURCE_DATE_EPOCH: String(epoch),
  }
}

/** Lifecycle scripts of dependencies stay off, whatever the command says, unless the recipe allows some package. */
export function stepEnvironment(step: EvaluatedStep): Readonly<Record<string, string>> {
  if (!step.npm) return step.env
  return {
    ...step.env,
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_update_notifier: 'false',
    ...(step.scripts.length === 0 ? { npm_config_ignore_scripts: 'true' } : {}),
  }
}
