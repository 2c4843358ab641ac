import type { Entry } from '../entry.ts'

export const packages = {
  PACKAGE_URL: { title: 'The text is not a package URL', exit: 2 },
  PACKAGE_ECOSYSTEM: { title: 'The order of versions in this ecosystem is not known', exit: 2 },
  PACKAGE_VERSION: { title: 'The version is longer than any real one', exit: 2 },
  PACKAGE_LICENSE: { title: 'The text is not a licence expression of SPDX', exit: 2 },
} as const satisfies Record<string, Entry>
