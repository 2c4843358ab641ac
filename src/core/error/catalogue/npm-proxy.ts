import type { Entry } from '../entry.ts'

export const npmProxy = {
  NPM_NAME_RESERVED: { title: 'The name is reserved, and no registry is bound to it', exit: 1 },
  NPM_IMPOSTOR: { title: 'A public package has a name that is bound to another registry', exit: 1 },
  NPM_NAMES_UNWATCHED: {
    title: 'Nobody looks whether the public registry has packages of names that are bound',
    exit: 2,
  },
  NPM_DENIED: { title: 'The package or version is on the list of what is denied', exit: 1 },
  NPM_DEPRECATED: { title: 'The version is deprecated by who published it', exit: 1 },
  NPM_TOO_YOUNG: { title: 'The version was published too recently', exit: 1 },
  NPM_AGE_UNKNOWN: { title: 'The registry does not say when the version was published', exit: 1 },
  NPM_SHA512_MISSING: { title: 'The registry tells no sha512 of the tarball', exit: 1 },
  NPM_INTEGRITY_MISMATCH: {
    title: 'The tarball is not the one whose sha512 the registry tells',
    exit: 1,
  },
  NPM_TARBALL_ELSEWHERE: { title: 'The tarball lies on a server that is not listed', exit: 1 },
  NPM_DEPENDENCY_ELSEWHERE: {
    title: 'The version depends on something that comes from no registry',
    exit: 1,
  },
  NPM_VERSION_MALFORMED: { title: 'What the registry says of the version is malformed', exit: 1 },
  NPM_CONTENT_MISMATCH: {
    title: 'The tarball cannot be taken for the package of this name and version',
    exit: 1,
  },
  NPM_SIGNATURE: {
    title: 'The registry has not signed the version with a key that is known',
    exit: 1,
  },
  NPM_NOT_FOUND: { title: 'The registry has no such package or version', exit: 2 },
  NPM_NOT_OFFERED: { title: 'The proxy does not do this; it only installs', exit: 2 },
  NPM_UPSTREAM: { title: 'The registry behind the proxy does not answer as it should', exit: 3 },
} as const satisfies Record<string, Entry>
