import type { Path } from '#document'
import { quote, type Problem } from '#error'
import type { z } from 'zod'
import type { Cip, CipAuthority, CipKey, CipKeyless, conditionSchema } from './cip-schema.ts'
import { readPublicKey } from './keys.ts'
import { invalid } from './problems.ts'

type At = (path: Path) => string

/** What the webhook of policy-controller refuses, and a schema cannot say. */
export function checkCip({ spec }: Cip, at: At): readonly Problem[] {
  return [
    ...spec.images.flatMap(({ glob }, index) => checkGlob(glob, at(['spec', 'images', index]))),
    ...spec.authorities.flatMap((authority, index) =>
      checkAuthority(authority, (path) => at(['spec', 'authorities', index, ...path])),
    ),
    ...checkCondition(spec.policy, at(['spec', 'policy'])),
  ]
}

function checkGlob(glob: string, where: string): readonly Problem[] {
  if (/^[A-Za-z0-9_:/*.@-]+$/.test(glob) && !glob.includes('***')) return []
  return [invalid(where, 'a glob of letters, digits, _ : / * . @ -', quote(glob, 200))]
}

function checkAuthority(authority: CipAuthority, at: At): readonly Problem[] {
  const { key, keyless, attestations = [] } = authority
  const members = (['key', 'keyless', 'static'] as const).filter((name) => authority[name] != null)
  const some = members.length === 1 ? [] : [oneOf(at([]), 'key, keyless, static', members)]
  return [
    ...some,
    ...(key == null ? [] : checkKey(key, (path) => at(['key', ...path]))),
    ...(keyless == null ? [] : checkKeyless(keyless, (path) => at(['keyless', ...path]))),
    ...attestations.flatMap(({ policy }, index) =>
      checkCondition(policy, at(['attestations', index, 'policy'])),
    ),
  ]
}

function oneOf(where: string, expected: string, found: readonly string[]): Problem {
  return invalid(where, `exactly one of ${expected}`, found.join(' and ') || 'none of them')
}

function checkKey(key: CipKey, at: At): readonly Problem[] {
  const { data, kms } = key
  const members = (['data', 'secretRef', 'kms'] as const).filter((name) => key[name] !== undefined)
  if (members.length !== 1) return [oneOf(at([]), 'data, secretRef, kms', members)]
  if (data !== undefined && readPublicKey(data) === undefined) {
    return [invalid(at(['data']), 'a public key in PEM', quote(data, 60))]
  }
  return kms === undefined ? [] : checkKms(kms, at(['kms']))
}

const awsKey = /^awskms:\/\/[^/]*\/arn:aws(?:-us-gov|-cn)?:kms:[a-z0-9-]+:\d{12}:(?:key|alias)\/.+$/

function checkKms(kms: string, where: string): readonly Problem[] {
  if (kms.startsWith('awskms://') && !awsKey.test(kms)) {
    return [invalid(where, 'the ARN of a key or alias after awskms://HOST/', quote(kms, 200))]
  }
  if (/^[a-z0-9]+:\/\/./.test(kms)) return []
  return [invalid(where, 'a key such as hashivault://NAME', quote(kms, 200))]
}

function checkKeyless(keyless: CipKeyless, at: At): readonly Problem[] {
  const { url, identities = [] } = keyless
  const caCert = keyless['ca-cert']
  return [
    ...(url !== undefined && caCert !== undefined
      ? [invalid(at([]), 'at most one of url and ca-cert', 'both')]
      : []),
    ...(url === undefined || /^https?:\/\/[^/\s]+/.test(url)
      ? []
      : [invalid(at(['url']), 'an http or https URL', quote(url, 200))]),
    ...(caCert === undefined ? [] : checkKey(caCert, (path) => at(['ca-cert', ...path]))),
    ...(identities.length === 0
      ? [invalid(at(['identities']), 'at least one identity', 'none')]
      : []),
    ...identities.flatMap((identity, index) =>
      (['issuer', 'subject'] as const).flatMap((name) =>
        checkName(name, identity[name], identity[`${name}RegExp`], at(['identities', index])),
      ),
    ),
  ]
}

function checkName(
  name: string,
  exact: string | undefined,
  expression: string | undefined,
  where: string,
): readonly Problem[] {
  const [hasExact, hasExpression] = [exact, expression].map((one) => (one ?? '') !== '')
  const members = [...(hasExact ? [name] : []), ...(hasExpression ? [`${name}RegExp`] : [])]
  if (members.length !== 1) return [oneOf(where, `${name}, ${name}RegExp`, members)]
  if (expression === undefined || isRegExp(expression)) return []
  return [invalid(where, 'a regular expression (RE2)', quote(expression, 200))]
}

/** RE2 in the words of this language; nothing is ever matched with it. */
export function isRegExp(expression: string): boolean {
  const here = expression
    .replaceAll(/\(\?[imsU-]+(?::|\))/g, (flags) => (flags.endsWith(':') ? '(?:' : ''))
    .replaceAll('(?P<', '(?<')
  if (/[*+?]{3,}|\*\*|\+\+|\(\?[=!]|\(\?<[=!]|\\[1-9]/.test(here)) return false
  try {
    return new RegExp(here, '') instanceof RegExp
  } catch {
    return false
  }
}

function checkCondition(
  condition: z.output<typeof conditionSchema> | undefined,
  where: string,
): readonly Problem[] {
  if (condition === undefined) return []
  const { data, remote, configMapRef } = condition
  const count = [data, remote, configMapRef].filter((one) => one !== undefined).length
  const found = count === 0 ? 'none of them' : 'more than one of them'
  if (count === 1) return []
  return [invalid(where, 'exactly one of data, remote, configMapRef', found)]
}
