import type { Entry } from '../entry.ts'

export const proxy = {
  CONFIG_PROXY: { title: 'A proxy cannot be run as it is configured', exit: 2 },
  PROXY_TARGET: { title: 'What is asked for belongs to no target', exit: 1 },
  PROXY_MANIFEST: {
    title: 'The manifest is not one that everybody reads in the same way',
    exit: 1,
  },
  PROXY_BLOB: { title: 'The blob is no part of an image that was let through', exit: 1 },
  PROXY_UPSTREAM: { title: 'The registry behind the proxy does not answer as it should', exit: 3 },
} as const satisfies Record<string, Entry>
