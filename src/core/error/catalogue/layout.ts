import type { Entry } from '../entry.ts'

export const layout = {
  LAYOUT_FORMAT: {
    title: 'An in-toto layout or link is not written as the specification says',
    exit: 1,
  },
  LAYOUT_KEY: { title: 'A key of a layout cannot be used', exit: 1 },
  LAYOUT_NO_KEY: { title: 'Nobody is named who must have signed the layout', exit: 2 },
  LAYOUT_SIGNATURE: {
    title: 'The layout is not signed by everybody who must have signed it',
    exit: 1,
  },
  LAYOUT_EXPIRED: { title: 'The layout has expired', exit: 1 },
  LAYOUT_EMPTY: { title: 'The layout demands nothing', exit: 1 },
  LAYOUT_PARAMETER: { title: 'A parameter of the layout is missing or malformed', exit: 2 },
  LAYOUT_LINK_MISSING: { title: 'A step of the layout has no link by its functionaries', exit: 1 },
  LAYOUT_THRESHOLD: { title: 'Too few functionaries have signed a link for a step', exit: 1 },
  LAYOUT_LINKS_DISAGREE: { title: 'Functionaries report different results of one step', exit: 1 },
  LAYOUT_RULE: { title: 'An artifact rule of the layout does not hold', exit: 1 },
  LAYOUT_COMMAND: { title: 'A step was done with another command than expected', exit: 1 },
  LAYOUT_PATH: { title: 'A link names a file in a way that rules may miss', exit: 1 },
  LAYOUT_DEPTH: { title: 'Sublayouts are nested too deeply', exit: 1 },
  LAYOUT_EXPENSIVE: { title: 'The layout and its links are too large to compare', exit: 1 },
  LAYOUT_INSPECTION: { title: 'An inspection of the layout says no', exit: 1 },
  LAYOUT_INSPECTION_PENDING: {
    title: 'The layout has inspections, and they were not run',
    exit: 3,
  },
  LAYOUT_PRODUCT: { title: 'What is deployed is not what the last step made', exit: 1 },
  LAYOUT_MISSING: { title: 'There is no layout and no links about the artifact', exit: 1 },
  LAYOUT_OTHER: { title: 'The layout is not the one that the policy names', exit: 1 },
  LAYOUT_UNREADABLE: { title: 'A file or folder of a layout cannot be read', exit: 2 },
} as const satisfies Record<string, Entry>
