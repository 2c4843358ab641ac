import type { Entry } from '../entry.ts'

/** Who asked for a build, and what is recorded of it elsewhere. */
export const buildRecord = {
  BUILD_IDENTITY: { title: 'Who asks for the build is not who may', exit: 2 },
  BUILD_RECORD_SETTINGS: { title: 'No record of builds is configured', exit: 2 },
  BUILD_RECORD_UNANSWERED: { title: 'The build could not be recorded elsewhere', exit: 3 },
  BUILD_RECORD_INVALID: { title: 'The receipt does not vouch for this build', exit: 1 },
  BUILD_RECORD_MISSING: { title: 'The build is not recorded elsewhere', exit: 1 },
  BUILD_RECORD_ALTERED: { title: 'What is here is not what was recorded elsewhere', exit: 1 },
} as const satisfies Record<string, Entry>
