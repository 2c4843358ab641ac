import {
  canonicalPurl,
  compareVersions,
  ecosystemOf,
  formatLicense,
  formatPurl,
  isVersion,
  licensesAllowed,
  parseLicense,
  parsePurl,
  purlMatches,
  versContains,
} from '#package'
import { at, vectors } from '../corpus.ts'
import type { Target } from '../target.ts'

const text =
  (op: string, key = 'text') =>
  (): readonly Buffer[] =>
    at(vectors('package', op), 'in', key)
const ecosystems = [
  'npm',
  'PyPI',
  'Maven',
  'Go',
  'crates.io',
  'RubyGems',
  'NuGet',
  'Packagist',
  'Pub',
  'Hackage',
  'CRAN',
  'Debian:12',
  'Alpine:v3.20',
  'Red Hat',
] as const

export const packageTargets: readonly Target[] = [
  {
    name: 'package.parsePurl',
    covers: ['#package.parsePurl'],
    form: 'text',
    seeds: () => [...text('parsePurl')(), ...text('canonicalPurl')(), ...text('purlMatches')()],
    run: (input) => {
      const purl = parsePurl(input.toString())
      ecosystemOf(purl)
      const canonical = canonicalPurl(input.toString())
      if (canonicalPurl(canonical) !== canonical) throw new Error('canonical is not canonical')
      if (!purlMatches(purl, purl)) throw new Error('a package URL that does not match itself')
      formatPurl(purl)
    },
  },
  {
    name: 'package.parseLicense',
    covers: ['#package.parseLicense'],
    form: 'text',
    seeds: () => [...text('parseLicense')(), ...text('licensesAllowed')()],
    run: (input) => {
      const expression = input.toString()
      const { allowed } = licensesAllowed(expression, { allow: ['MIT'], deny: ['AGPL-3.0-only'] })
      const license = parseLicense(expression, { keepUnknown: true })
      parseLicense(formatLicense(license), { keepUnknown: true })
      if (allowed && !/mit/i.test(expression)) throw new Error('allowed without MIT in it')
    },
  },
  {
    name: 'package.compareVersions',
    covers: [],
    form: 'text',
    seeds: () => [...text('isVersion')(), ...text('compareVersions', 'a')()],
    run: (input) => {
      const [a = '', b = '1.2.3'] = input.toString().split('\n')
      for (const ecosystem of ecosystems) {
        isVersion(ecosystem, a)
        const sign = compareVersions(ecosystem, a, b)
        if (sign + compareVersions(ecosystem, b, a) !== 0) throw new Error(`${ecosystem}: no order`)
      }
    },
  },
  {
    name: 'package.versContains',
    covers: [],
    form: 'text',
    seeds: text('versContains', 'range'),
    run: (input) => versContains(input.toString(), '1.2.3'),
  },
]
