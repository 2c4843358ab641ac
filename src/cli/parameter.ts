import { InvalidArgumentError } from 'commander'

/** `name=value`, once for each name. */
export function parseParameter(
  text: string,
  previous: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? []
  if (name === undefined || value === undefined) throw new InvalidArgumentError('name=value')
  if (Object.hasOwn(previous, name)) throw new InvalidArgumentError(`"${name}" only once`)
  return { ...previous, [name]: value }
}
