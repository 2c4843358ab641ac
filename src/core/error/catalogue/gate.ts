import type { Entry } from '../entry.ts'

/** The gate of pipelines: `sallyport gate`. */
export const gate = {
  GATE_UNPINNED: { title: 'The command would not deploy what was decided about', exit: 2 },
  GATE_PLACEHOLDER: { title: 'A placeholder of the command stands for nothing', exit: 2 },
  GATE_TAG_MOVED: { title: 'A tag leads elsewhere than a moment ago', exit: 1 },
  GATE_COMMAND: { title: 'The command could not be started', exit: 3 },
  GATE_UNANSWERED: { title: 'The gate did not answer', exit: 3 },
  GATE_ANSWER: { title: 'The answer of the gate cannot be believed', exit: 3 },
  GATE_REASON: { title: 'The gate gives a reason that this version does not know', exit: 1 },
  GATE_DEPLOYMENT: { title: 'Nothing was allowed that could have been deployed', exit: 2 },
  GATE_TOKEN: { title: 'The token for the gate cannot be used', exit: 2 },
  GATE_OUTPUT: { title: 'The result could not be written', exit: 3 },
} as const satisfies Record<string, Entry>
