import type { Entry } from '../entry.ts'

/** What a person gets wrong at the command line, in the configuration and in the home folder; and what the machine lacks. */
export const config = {
  USAGE_UNKNOWN_COMMAND: { title: 'There is no such command', exit: 2 },
  USAGE_UNKNOWN_OPTION: { title: 'The command has no such option', exit: 2 },
  USAGE_MISSING: { title: 'The command needs more than it was given', exit: 2 },
  USAGE_EXCESS: { title: 'The command was given too much', exit: 2 },
  USAGE_VALUE: { title: 'The command cannot use this value', exit: 2 },
  CONFIG_UNKNOWN_VARIABLE: { title: 'The environment has a variable that is not known', exit: 2 },
  CONFIG_NO_POLICY: { title: 'No policy file is configured', exit: 2 },
  CONFIG_LOG_ORIGIN: { title: 'The log origin is not a name a log can have', exit: 2 },
  CONFIG_CA: { title: 'The file of certificate authorities holds none', exit: 2 },
  CONFIG_NO_NPM_REGISTRY: { title: 'No npm registry is configured', exit: 2 },
  HOME_MISSING: { title: 'There is no home folder', exit: 2 },
  HOME_UNSAFE: { title: 'Others can write to the home folder', exit: 2 },
  HOME_INCOMPLETE: { title: 'The home folder lacks a file', exit: 2 },
  FILE_NOT_FOUND: { title: 'There is no such file', exit: 2 },
  FILE_UNREADABLE: { title: 'The file cannot be read', exit: 2 },
  FILE_UNWRITABLE: { title: 'The file cannot be written', exit: 3 },
  FILE_TOO_LARGE: { title: 'The file is larger than allowed', exit: 2 },
  NOTHING_ATTESTED: { title: 'No attestation was found', exit: 2 },
  CHECKOUT_NONE: { title: 'This is no git checkout', exit: 2 },
  CHECKOUT_EMPTY: { title: 'The repository has no commit yet', exit: 2 },
  MACHINE_NOT_READY: { title: 'The machine lacks something that is needed', exit: 3 },
  INTERNAL: { title: 'Sallyport failed in a way it should not', exit: 3 },
  CONFIG_VERIFIER: { title: 'It is not said how this verifier is called', exit: 2 },
  SUMMARY_RESOURCE_UNNAMED: { title: 'It is not said which resource is summarised', exit: 2 },
} as const satisfies Record<string, Entry>
