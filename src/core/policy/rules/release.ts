import { SallyportError, type Problem } from '#error'
import { quote } from '#error'
import { compareVersions, isVersion, parsePurl, type Purl } from '#package'
import type { Finding } from '../judge-each.ts'
import type { Vouching } from '../kinds/vouching.ts'
import type { RuleContext } from '../rule.ts'
import { fail } from './facts.ts'

/**
 * A registry that says "this is left-pad 1.3.0" says nothing about an artifact that is asked for as something else: whoever
 * asks by package URL gets what was published under that name and version, or nothing.
 */
export function judgeRelease(
  { release }: Vouching,
  { request, place }: RuleContext,
): readonly Finding[] {
  const { name } = request.artifact
  if (release === undefined || !name.startsWith('pkg:')) return []
  const wanted = purlOf(name)
  if (wanted !== undefined && isRelease(release, wanted)) return []
  const shown = release.purl ?? release.files.slice(0, 3).join(', ')
  const problem: Problem = {
    code: 'RELEASE_OTHER_PACKAGE',
    where: place.at('types'),
    expected: `a release of ${quote(name, 200)}`,
    found:
      shown === '' ? 'a release that does not say of what' : `a release of ${quote(shown, 200)}`,
    fix: `Ask for it by the name and version under which it was published, or deploy ${quote(name, 200)} itself`,
  }
  return [fail(problem)]
}

function isRelease(release: NonNullable<Vouching['release']>, wanted: Purl): boolean {
  if (release.purl !== undefined) {
    const found = purlOf(release.purl)
    return found !== undefined && isSamePackage(found, wanted) && isSameVersion(found, wanted)
  }
  if (release.format !== 'pypi-publish' || wanted.type !== 'pypi') return false
  const { files } = release
  return files.length > 0 && files.every((file) => isDistribution(file, wanted))
}

function isSamePackage(found: Purl, wanted: Purl): boolean {
  return (
    found.type === wanted.type && found.namespace === wanted.namespace && found.name === wanted.name
  )
}

/** Who asks without a version asks for any. */
function isSameVersion(found: Purl, wanted: Purl): boolean {
  return wanted.version === undefined || found.version === wanted.version
}

/**
 * PyPI's attestation says no more than the name of its file, which by PEP 625 and the wheel format is
 * `name-version.tar.gz` or `name-version-….whl`, both parts written with `_` for everything that is no letter or digit.
 */
function isDistribution(file: string, { name, version }: Purl): boolean {
  const [, base = '', found = ''] =
    /^([A-Za-z0-9][A-Za-z0-9._]*)-([^-]+)(?:-[^-]+){3,4}\.whl$/.exec(file) ??
    /^([A-Za-z0-9][A-Za-z0-9._-]*)-([^-]+)\.(?:tar\.gz|zip)$/.exec(file) ??
    []
  if (base === '' || base.replaceAll(/[-_.]+/g, '-').toLowerCase() !== name) return false
  if (version === undefined) return true
  return isVersion('PyPI', found) && compareVersions('PyPI', found, version) === 0
}

function purlOf(text: string): Purl | undefined {
  try {
    return parsePurl(text)
  } catch (error) {
    if (error instanceof SallyportError) return undefined
    throw error
  }
}
