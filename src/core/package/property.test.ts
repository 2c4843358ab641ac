import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SallyportError } from '#error'
import {
  canonicalPurl,
  compareVersions,
  formatLicense,
  formatPurl,
  isVersion,
  licenseRule,
  parseLicense,
  parsePurl,
} from '#package'

/** One ecosystem for each order there is. */
const ecosystems = [
  'Alpine',
  'CRAN',
  'Debian',
  'Hackage',
  'Maven',
  'npm',
  'NuGet',
  'Packagist',
  'Pub',
  'PyPI',
  'Red Hat',
  'RubyGems',
]

const pieces = [
  '0',
  '1',
  '01',
  '10',
  '00',
  '.',
  '..',
  '-',
  '_',
  '+',
  '~',
  '^',
  ':',
  '!',
  '#',
  'v',
  ' ',
  'é',
  'a',
  'b',
  'rc',
  'RC',
  'alpha',
  'beta',
  'pre',
  'post',
  'dev',
  'p',
  'sp',
  'final',
  'ga',
  'x',
  '-r1',
  '_p1',
  '_rc',
  '-1',
  '.0',
  '.1',
  '-0',
  '1.0',
  'SNAPSHOT',
  '1:',
  '.ga',
  '.alpha',
]
const piece = fc.constantFrom(...pieces)
const version = fc.oneof(
  fc.array(piece, { maxLength: 6 }).map((parts) => parts.join('')),
  fc.array(piece, { maxLength: 4 }).map((parts) => `1.0${parts.join('')}`),
  fc.string({ maxLength: 8 }),
)

for (const ecosystem of ecosystems) {
  test(`the order of ${ecosystem} is the same from both sides`, () => {
    fc.assert(
      fc.property(version, version, (a, b) => {
        assert.equal(compareVersions(ecosystem, a, b) + compareVersions(ecosystem, b, a), 0)
        assert.equal(compareVersions(ecosystem, a, a), 0)
      }),
      { numRuns: 1_000 },
    )
  })

  test(`the order of ${ecosystem} never goes round in a circle`, () => {
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        const [first, second, third] = [a, b, c].sort((x, y) => compareVersions(ecosystem, x, y))
        assert(compareVersions(ecosystem, first ?? '', second ?? '') <= 0)
        assert(compareVersions(ecosystem, second ?? '', third ?? '') <= 0)
        assert(compareVersions(ecosystem, first ?? '', third ?? '') <= 0)
        const isEqual = (x: string, y: string) => compareVersions(ecosystem, x, y) === 0
        if (isEqual(a, b) && isEqual(b, c)) assert(isEqual(a, c))
      }),
      { numRuns: 3_000 },
    )
  })

  test(`${ecosystem} says of any text whether it is a version`, () => {
    fc.assert(
      fc.property(version, (text) => assert.equal(typeof isVersion(ecosystem, text), 'boolean')),
    )
  })
}

const purlPieces = [
  'pkg:',
  'npm',
  'maven',
  'git',
  'pypi',
  'oci',
  '/',
  '//',
  '@',
  '%40',
  '%2F',
  '%',
  '%00',
  '?',
  '&',
  '=',
  'arch=',
  '#',
  '.',
  '..',
  '+',
  ':',
  'A',
  'b',
  '1.0',
  ' ',
  '\n',
  'é',
  '%C3%A9',
]
const purlPiece = fc.constantFrom(...purlPieces)
const purlText = fc.oneof(
  fc.array(purlPiece, { maxLength: 12 }).map((parts) => `pkg:${parts.join('')}`),
  fc.string({ unit: 'binary', maxLength: 30 }),
)

test('any text is a package URL or a SallyportError', () => {
  fc.assert(
    fc.property(purlText, (text) => {
      outcome(() => canonicalPurl(text))
      outcome(() => parsePurl(text))
    }),
    { numRuns: 5_000 },
  )
})

test('a package URL in canonical form is read as what it was, and written as it is', () => {
  fc.assert(
    fc.property(purlText, (text) => {
      const purl = outcome(() => parsePurl(text))
      if (purl === undefined) return
      const canonical = formatPurl(purl)
      assert.deepEqual(parsePurl(canonical), purl)
      assert.equal(canonicalPurl(canonical), canonical)
    }),
    { numRuns: 5_000 },
  )
})

const leaf = fc.constantFrom(
  'MIT',
  'ISC',
  'GPL-2.0+',
  'LicenseRef-a',
  'GPL-2.0-only WITH LLVM-exception',
)
const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    leaf,
    fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => `(${a}) AND ${b}`),
    fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => `${a} OR (${b})`),
  ),
}))

test('a licence expression that was written is read as the same expression', () => {
  fc.assert(
    fc.property(expression, (text) => {
      const once = formatLicense(parseLicense(text))
      assert.equal(formatLicense(parseLicense(once)), once)
    }),
  )
})

test('any words are a licence expression or a SallyportError, and never accepted when they are none', () => {
  const word = fc.constantFrom('MIT', 'ISC+', 'AND', 'OR', 'WITH', '(', ')', 'x', 'LicenseRef-')
  const accept = licenseRule({ deny: ['AGPL-3.0-only'] })
  fc.assert(
    fc.property(fc.array(word, { maxLength: 8 }), (words) => {
      const text = words.join(' ')
      const isExpression = outcome(() => parseLicense(text)) !== undefined
      if (!isExpression && accept(text).allowed) {
        // A choice may hold an unknown licence beside an accepted one; nothing else may.
        assert(outcome(() => parseLicense(text, { keepUnknown: true })) !== undefined)
        assert(words.includes('OR'))
      }
    }),
    { numRuns: 2_000 },
  )
})

test('accepting a licence expression takes linear time', () => {
  const accept = licenseRule({ allow: ['MIT'], deny: ['ISC'] })
  const choice = Array.from({ length: 1_600 }, () => '(ISC OR ISC)').join(' AND ')
  // 2^1600 combinations; walking the expression once is enough.
  assert.equal(accept(choice).failed.length, 3_200)
})

function outcome<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch (error) {
    if (error instanceof SallyportError) return undefined
    throw error
  }
}
