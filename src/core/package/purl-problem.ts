import { quote, SallyportError } from '#error'

/** The refusal of a text that should be a package URL. */
export function notPurl(text: string, expected: string, found: string): SallyportError {
  return new SallyportError({
    code: 'PACKAGE_URL',
    where: quote(text, 120),
    expected,
    found,
    fix: 'Write the package URL as its type prescribes, such as pkg:npm/%40scope/name@1.2.3',
  })
}
