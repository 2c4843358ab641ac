import { SallyportError } from '#error'
import { readFileBounded } from '../input.ts'

/** Where the token for a gate is: never in the arguments, which everybody on a machine can read. */
export type TokenPlace = { readonly file: string } | { readonly env: string }

/** @throws SallyportError GATE_TOKEN; what was found instead is not told */
export async function readToken(
  place: TokenPlace,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const where = 'file' in place ? place.file : `environment variable ${place.env}`
  const text =
    'file' in place
      ? Buffer.from(await readFileBounded(place.file)).toString('latin1')
      : (env[place.env] ?? '')
  const token = text.trim()
  if (/^[\w.~+/-]{1,16000}=*$/.test(token)) return token
  throw new SallyportError({
    code: 'GATE_TOKEN',
    where: where.slice(0, 300),
    expected: 'a bearer token on one line',
    found: token === '' ? 'nothing' : 'something else',
    fix:
      'file' in place
        ? 'Write the token into this file, and nothing else'
        : 'Set this variable to the token, from the secrets of the pipeline',
  })
}
