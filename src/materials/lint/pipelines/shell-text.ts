/**
 * How a shell text hides that a command failed, if it does: `|| true` and its kind behind the command, or `set +e` before
 * it. Undefined when the failure is seen.
 */
export function swallows(text: string, command: RegExp): string | undefined {
  let errexit = true
  for (const line of logicalLines(text)) {
    if (/^\s*set\s+\+(?:e|o\s+errexit)\b/.test(line)) errexit = false
    if (/^\s*set\s+-\w*e/.test(line)) errexit = true
    const at = command.exec(line)
    if (at === null) continue
    const behind = line.slice(at.index + at[0].length)
    const hidden =
      /\|\|\s*(?:true|:|exit\s+0|echo\b|printf\b|return\s+0)|;\s*(?:true|:|exit\s+0)\s*$/.exec(
        behind,
      )
    if (hidden !== null) return `"${hidden[0].trim()}"`
    if (!errexit) return '"set +e"'
  }
  return undefined
}

/** Whether a command of a text is left running behind the back of the pipeline. */
export function inBackground(text: string, command: RegExp): boolean {
  return logicalLines(text).some((line) => {
    const at = command.exec(line)
    return at !== null && /^[^&]*[^&>|]&\s*(?:$|[^&>\d])/.test(`${line.slice(at.index)} `)
  })
}

/** Lines, with those that a backslash continues joined; comments left out. */
export function logicalLines(text: string): readonly string[] {
  return text
    .slice(0, 64 * 1024)
    .replace(/\\\r?\n/g, ' ')
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
}
