import { isIPv6 } from 'node:net'

const mapped = '::ffff:'

/**
 * What one customer of a network usually has: an IPv4 address, and of IPv6 the first 64 bits (RFC 6177 §2), as of the
 * rest everybody chooses any.
 *
 * @param address as `socket.remoteAddress` has it
 */
export function networkOf(address: string): string {
  if (address.startsWith(mapped) && address.includes('.')) return address.slice(mapped.length)
  const [whole = ''] = address.split('%')
  if (!isIPv6(whole)) return address
  const [before = '', after] = whole.split('::')
  const groups = groupsOf(before)
  const last = groupsOf(after ?? '')
  const skipped = Array<string>(Math.max(0, 8 - groups.length - last.length)).fill('0')
  const all = [...groups, ...(after === undefined ? [] : skipped), ...last]
  return all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')
}

/** The last may be an IPv4 address, which is two of them. */
function groupsOf(text: string): readonly string[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => (group.includes('.') ? ['0', '0'] : [group]))
}
