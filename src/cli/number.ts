import { InvalidArgumentError } from 'commander'

/** A whole number from 0 on. */
export function parseCount(text: string): number {
  if (!/^(?:0|[1-9][0-9]{0,14})$/.test(text)) throw new InvalidArgumentError('a whole number')
  return Number(text)
}
