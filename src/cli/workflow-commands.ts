/** Platforms that take lines of a log for commands, by the variable that they set. */
const platforms = ['GITHUB_ACTIONS', 'TF_BUILD', 'TEAMCITY_VERSION'] as const

export function readsCommands(env: Readonly<Record<string, string | undefined>>): boolean {
  return platforms.some((name) => (env[name] ?? '') !== '')
}

/**
 * A text in which no line is a command for the runner: `::set-output …` at the start of a line, white space before it or
 * not; `##[…]`, `##vso[…]` and `##teamcity[…]` anywhere. What is changed stands for the same character in JSON.
 */
export function withoutCommands(text: string): string {
  return text
    .replace(/^(\s*):(?=:)/gm, String.raw`$1\u003a`)
    .replace(/#(?=#\w*\[)/g, String.raw`\u0023`)
}
