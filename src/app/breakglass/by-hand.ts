/** The choke point of what was let in by hand, and recorded afterwards. */
export const byHand = 'breakglass-import'
