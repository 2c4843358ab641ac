import { quote, SallyportError } from '#error'
import { formatLicense, parseLicense, type License, type OneLicense } from './expression.ts'

/** Which licences are accepted. Entries are single licences, with or without their exception. */
export interface LicenseLists {
  /** When given, a licence that is not listed is not accepted. */
  readonly allow?: readonly string[]
  readonly deny?: readonly string[]
}

/** A part of an expression because of which the whole is not accepted. */
export interface FailedLicense {
  readonly license: string
  /** On the list of the denied · not on the list of the allowed · in no list that is public · not an expression. */
  readonly why: 'denied' | 'not-allowed' | 'unknown' | 'unreadable'
  /** The entry of the lists that decided. */
  readonly entry?: string
}

export interface LicenseAnswer {
  readonly allowed: boolean
  /** Empty when allowed. Of a choice, every alternative that failed. */
  readonly failed: readonly FailedLicense[]
}

/**
 * Whether an expression is accepted: all parts of an AND, any part of an OR.
 *
 * An entry speaks of a licence in all its spellings: `AGPL-3.0-only` also of `AGPL-3.0`, `AGPL-3.0+` and
 * `AGPL-3.0-or-later`, which all let the recipient take version 3.0. An entry with an exception speaks of that
 * combination only, and decides before an entry without; an entry without speaks of all combinations. Between
 * entries that say as much, deny decides. A licence that nobody defined is never accepted.
 *
 * @throws SallyportError PACKAGE_LICENSE when an entry of the lists is not a single known licence
 */
export function licensesAllowed(expression: string, lists: LicenseLists): LicenseAnswer {
  return licenseRule(lists)(expression)
}

/**
 * The same for many expressions: reads the lists once, and each expression in linear time.
 *
 * @throws SallyportError PACKAGE_LICENSE when an entry of the lists is not a single known licence
 */
export function licenseRule(lists: LicenseLists): (expression: string) => LicenseAnswer {
  const allow = lists.allow === undefined ? undefined : entriesOf(lists.allow)
  const deny = entriesOf(lists.deny ?? [])
  return (expression) => {
    let license: License
    try {
      license = parseLicense(expression, { keepUnknown: true })
    } catch (error) {
      if (!(error instanceof SallyportError)) throw error
      return answer([{ license: expression, why: 'unreadable' }])
    }
    return answer(failuresOf(license, (one) => failureOf(one, allow, deny)))
  }
}

type Entries = ReadonlyMap<string, string>

function failuresOf(
  license: License,
  check: (one: OneLicense) => FailedLicense | undefined,
): readonly FailedLicense[] {
  if (license.kind === 'license') {
    const failure = check(license)
    return failure === undefined ? [] : [failure]
  }
  const failures = license.parts.map((part) => failuresOf(part, check))
  if (license.kind === 'any' && failures.some((failed) => failed.length === 0)) return []
  return failures.flat()
}

function failureOf(
  license: OneLicense,
  allow: Entries | undefined,
  deny: Entries,
): FailedLicense | undefined {
  const shown = formatLicense(license)
  for (const key of keysOf(license)) {
    const denied = deny.get(key)
    if (denied !== undefined) return { license: shown, why: 'denied', entry: denied }
    if (allow?.has(key) === true) return undefined
  }
  if (!license.isKnown) return { license: shown, why: 'unknown' }
  return allow === undefined ? undefined : { license: shown, why: 'not-allowed' }
}

/** From the entry that says most to the one that says least. */
function keysOf(license: OneLicense): readonly string[] {
  const { id, exception } = current(license)
  const base = id.replace(/-(?:only|or-later)$/i, '').toLowerCase()
  return exception === undefined ? [base] : [`${base} with ${exception.toLowerCase()}`, base]
}

function entriesOf(entries: readonly string[]): Entries {
  return new Map(
    entries.map((entry) => {
      const license = parseLicense(entry)
      if (license.kind === 'license') return [keysOf(license)[0] ?? '', entry]
      throw new SallyportError({
        code: 'PACKAGE_LICENSE',
        where: quote(entry, 120),
        expected: 'one licence in each entry of a list',
        found: `a combination: ${quote(entry, 120)}`,
        fix: `List ${license.parts.map((part) => quote(formatLicense(part))).join(' and ')} each for itself`,
      })
    }),
  )
}

/** Identifiers of the list that SPDX has replaced by a licence and an exception. */
const replaced: Readonly<Record<string, { readonly id: string; readonly exception: string }>> = {
  'GPL-2.0-with-GCC-exception': { id: 'GPL-2.0', exception: 'GCC-exception-2.0' },
  'GPL-2.0-with-autoconf-exception': { id: 'GPL-2.0', exception: 'Autoconf-exception-2.0' },
  'GPL-2.0-with-bison-exception': { id: 'GPL-2.0', exception: 'Bison-exception-2.2' },
  'GPL-2.0-with-classpath-exception': { id: 'GPL-2.0', exception: 'Classpath-exception-2.0' },
  'GPL-2.0-with-font-exception': { id: 'GPL-2.0', exception: 'Font-exception-2.0' },
  'GPL-3.0-with-GCC-exception': { id: 'GPL-3.0', exception: 'GCC-exception-3.1' },
  'GPL-3.0-with-autoconf-exception': { id: 'GPL-3.0', exception: 'Autoconf-exception-3.0' },
  'eCos-2.0': { id: 'GPL-2.0', exception: 'eCos-exception-2.0' },
  wxWindows: { id: 'LGPL-2.0', exception: 'WxWindows-exception-3.1' },
}

function current(license: OneLicense): { readonly id: string; readonly exception?: string } {
  return license.exception === undefined && Object.hasOwn(replaced, license.id)
    ? (replaced[license.id] ?? license)
    : license
}

function answer(failed: readonly FailedLicense[]): LicenseAnswer {
  return { allowed: failed.length === 0, failed }
}
