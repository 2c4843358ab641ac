import type { Entry } from '../entry.ts'

export const server = {
  CONFIG_REGISTRIES: { title: 'It is not said which registries may be asked', exit: 2 },
  CONFIG_CLIENTS: { title: 'Clients are named, and nothing could prove who they are', exit: 2 },
  SERVER_CERTIFICATE: { title: 'The certificate of the gate has expired', exit: 3 },
  JOURNAL_UNREAD: { title: 'Nobody takes the journal of a server', exit: 3 },
  SERVER_LISTEN: { title: 'The address cannot be listened on', exit: 2 },
  SERVER_TLS: { title: 'Certificate and key for TLS cannot be used', exit: 2 },
  SERVER_BUSY: { title: 'The gate has as many requests as it can answer', exit: 3 },
  SERVER_TIMEOUT: { title: 'There was no answer in time', exit: 3 },
  SERVER_DRAINING: { title: 'The gate is shutting down', exit: 3 },
  SERVER_UNAVAILABLE: { title: 'The gate cannot answer now', exit: 3 },
  SERVER_INTERNAL: { title: 'The gate failed in a way that was not foreseen', exit: 3 },
  REQUEST_TOO_LARGE: { title: 'The body is larger than is read', exit: 2 },
  REQUEST_CUT_OFF: { title: 'The body ended too early, or took too long', exit: 2 },
  REQUEST_MEDIA_TYPE: { title: 'The body is of another media type', exit: 2 },
  REQUEST_NOT_FOUND: { title: 'There is nothing at this address', exit: 2 },
  REQUEST_METHOD: { title: 'The address does not take this method', exit: 2 },
  REQUEST_PARAMETER: { title: 'A parameter of the request is wrong', exit: 2 },
  ACCESS_UNAUTHENTICATED: { title: 'It is not known who asks', exit: 2 },
  ACCESS_FORBIDDEN: { title: 'Who asks may not do this', exit: 2 },
} as const satisfies Record<string, Entry>
