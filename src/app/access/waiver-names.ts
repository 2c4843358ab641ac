/** How a policy's waivers are called, in the list and where their uses are counted. Rules may stand elsewhere tomorrow. */
export function waiverNames(policy: string) {
  return {
    exemption: (rule: string): string => `${policy} exemption ${rule}`,
    audit: `${policy} mode: audit`,
    unavailable: `${policy} whenUnavailable: allow`,
  }
}
