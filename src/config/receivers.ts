import { z } from 'zod'

/** What addresses of those who are told, by alarms and by events, are written in. */
export const path = z.string().min(1).max(4096)
export const host = z
  .string()
  .max(255)
  .regex(/^[A-Za-z0-9.:-]+$/, 'a host name or an IP address')
// Without TLS only to this machine itself.
export const url = z
  .string()
  .max(2000)
  .refine((text) => {
    const parsed = URL.parse(text)
    if (parsed === null || parsed.username !== '' || parsed.password !== '') return false
    const isLocal = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(parsed.hostname)
    return parsed.protocol === 'https:' || (parsed.protocol === 'http:' && isLocal)
  }, 'an https address, without name and password')
