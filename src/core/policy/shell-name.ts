import { quote } from '#error'

/** A word for a command line that a reader may copy; what could be more than a word is quoted and disarmed. */
export function shellName(text: string): string {
  if (/^[\w@%+=:,./][\w@%+=:,./-]*$/.test(text)) return text
  return quote(text, 200).replaceAll(/[`$\\!]/g, '_')
}
