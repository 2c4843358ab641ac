import type { Entry } from '../entry.ts'

export const builder = {
  RECIPE_MISSING: { title: 'The source has no recipe', exit: 2 },
  RECIPE_REFERENCE: { title: 'The recipe names something that it does not define', exit: 2 },
  RECIPE_DUPLICATE: { title: 'The recipe defines something twice', exit: 2 },
  RECIPE_COMMAND: { title: 'A command of the recipe is not allowed', exit: 2 },
  RECIPE_ENVIRONMENT: { title: 'The recipe sets a variable that the builder sets', exit: 2 },
  RECIPE_PLATFORM: { title: 'The recipe is for another platform', exit: 2 },
  BUILD_PARAMETER: { title: 'A build parameter is not one the recipe allows', exit: 2 },
  BUILD_BUILDER_ID: { title: 'This builder may not have this id', exit: 2 },
  BUILD_LOCK_MISSING: { title: 'The source has no materials lock', exit: 2 },
  BUILD_MATERIAL_MISSING: { title: 'A material that the build needs is not in the lock', exit: 2 },
  BUILD_STEP_FAILED: { title: 'A build step failed', exit: 2 },
  BUILD_NOT_CONTAINED: { title: 'The sandbox did not hold back a probe', exit: 3 },
  BUILD_OUTPUT: { title: 'An output of the build is not what the recipe declares', exit: 2 },
  BUILD_WORKER_REPORT: { title: 'The worker reported something impossible', exit: 3 },
  BUILD_STORE: { title: 'The builds folder cannot be used', exit: 3 },
  REBUILD_INCOMPLETE: { title: 'The provenance does not list what a rebuild needs', exit: 3 },
  REBUILD_NOT_A_RECIPE: {
    title: 'The provenance is not of a build that can be repeated here',
    exit: 2,
  },
  REBUILD_CONTRADICTION: { title: 'The provenance contradicts the recipe it names', exit: 1 },
} as const satisfies Record<string, Entry>
