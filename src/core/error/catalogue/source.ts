import type { Entry } from '../entry.ts'

export const source = {
  SOURCE_REPOSITORY: { title: 'The repository is not one that can be fetched', exit: 2 },
  SOURCE_REVISION: { title: 'The revision is not the name of a commit, branch or tag', exit: 2 },
  SOURCE_REVISION_UNKNOWN: { title: 'The repository has no such revision', exit: 2 },
  SOURCE_REVISION_AMBIGUOUS: { title: 'The revision means two different commits', exit: 2 },
  SOURCE_NOT_ALLOWED: { title: 'The repository or ref is not one that may be built', exit: 1 },
  SOURCE_UNREACHABLE: { title: 'The commit is not part of any ref that counts', exit: 1 },
  SOURCE_UNAVAILABLE: { title: 'The repository could not be fetched', exit: 3 },
  SOURCE_DAMAGED: { title: 'The repository gave something that is not what it should be', exit: 3 },
  SOURCE_TOO_LARGE: { title: 'The source is larger than allowed', exit: 2 },
  SOURCE_PATH_UNSAFE: { title: 'The source has a file name that is refused', exit: 2 },
  SOURCE_SUBMODULE: { title: 'The source has a submodule', exit: 2 },
  SOURCE_FILE_TYPE: { title: 'A path in the source is not a regular file', exit: 2 },
  SOURCE_GIT_MISSING: { title: 'git is not installed', exit: 2 },
} as const satisfies Record<string, Entry>
