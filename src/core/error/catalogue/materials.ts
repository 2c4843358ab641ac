import type { Entry } from '../entry.ts'

export const materials = {
  TAR_MALFORMED: { title: 'An archive is damaged', exit: 2 },
  TAR_TOO_LARGE: { title: 'An archive is larger than allowed', exit: 2 },
  TAR_ENTRY_TYPE: { title: 'An archive holds something that is no file, folder or link', exit: 2 },
  TREE_PATH_UNSAFE: { title: 'A file name could leave its folder', exit: 2 },
  TREE_LINK_UNSAFE: { title: 'A link could leave its folder', exit: 2 },
  TREE_CONFLICT: { title: 'A tree has two things at one path', exit: 2 },
  TREE_CONTENT: { title: 'A file changed while it was read', exit: 3 },
} as const satisfies Record<string, Entry>
