import type { Entry } from '../entry.ts'

/** What policies and trust files should not do, although they may. */
export const lint = {
  LINT_SIGNED_ONLY: { title: 'A policy accepts a signature without provenance', exit: 1 },
  LINT_UNREQUIRED: { title: 'A signer may say something that no policy asks for', exit: 1 },
  LINT_AUDIT_ENDLESS: { title: 'A policy only watches, without an end', exit: 1 },
  LINT_AUDIT_OVER: { title: 'The audit of a policy has ended', exit: 1 },
  LINT_UNAVAILABLE_ALLOWED: { title: 'A policy lets outages through', exit: 1 },
  LINT_LEVEL_EVERYWHERE: { title: 'Every policy demands the highest level', exit: 1 },
  LINT_IDENTITY_LOOSE: { title: 'A signer is more than one workflow', exit: 1 },
  LINT_SOURCE_LOOSE: { title: 'A rule accepts more than one repository', exit: 1 },
  LINT_REF_LOOSE: { title: 'A rule accepts every branch', exit: 1 },
  LINT_WORKSTATION: { title: 'A workstation may build for production', exit: 1 },
  LINT_PERSON_BUILDS: { title: 'A person may sign provenance', exit: 1 },
  LINT_BUILDER_UNPROVEN: { title: 'A builder is believed against its certificate', exit: 1 },
  LINT_PARAMETER_ANY: { title: 'A build parameter may have any value', exit: 1 },
  LINT_PARAMETER_UNSAID: { title: 'A rule says nothing about a parameter of the build', exit: 1 },
  LINT_NOT_HERMETIC: { title: 'A policy believes builds that may fetch anything', exit: 1 },
  LINT_KEY_ENDLESS: { title: 'A key is good for ever', exit: 1 },
  LINT_SIGNER_ENDED: { title: 'A signer has no key that is good now', exit: 1 },
  LINT_ONE_OWNER: { title: 'One owner alone can satisfy a whole policy', exit: 1 },
  LINT_OWNER_ALIKE: { title: 'Two owners have almost the same name', exit: 1 },
  LINT_EXEMPTION_EXPIRED: { title: 'An exemption is over', exit: 1 },
  LINT_EXEMPTION_ENDING: { title: 'An exemption is about to end', exit: 1 },
  LINT_NO_FRESHNESS: { title: 'What a policy once let in is let in for ever', exit: 1 },
  LINT_RULE_REDUNDANT: { title: 'A rule changes nothing', exit: 1 },
} as const satisfies Record<string, Entry>
