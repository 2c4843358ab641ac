import type { Purl } from './purl.ts'

/** The ecosystem of OSV that a package belongs to, and its name there. */
export interface EcosystemPackage {
  readonly ecosystem: string
  readonly name: string
}

const ecosystems: Readonly<Record<string, string>> = {
  bitnami: 'Bitnami',
  cargo: 'crates.io',
  composer: 'Packagist',
  conan: 'ConanCenter',
  cran: 'CRAN',
  gem: 'RubyGems',
  githubactions: 'GitHub Actions',
  golang: 'Go',
  hackage: 'Hackage',
  hex: 'Hex',
  julia: 'Julia',
  maven: 'Maven',
  npm: 'npm',
  nuget: 'NuGet',
  pub: 'Pub',
  pypi: 'PyPI',
  swift: 'SwiftURL',
}

/** Distributions, by type and namespace. */
const distributions: Readonly<Record<string, string>> = {
  'apk/alpine': 'Alpine',
  'apk/chainguard': 'Chainguard',
  'apk/minimos': 'MinimOS',
  'apk/wolfi': 'Wolfi',
  'deb/debian': 'Debian',
  'deb/echo': 'Echo',
  'deb/ubuntu': 'Ubuntu',
  'rpm/almalinux': 'AlmaLinux',
  'rpm/azurelinux': 'Azure Linux',
  'rpm/mageia': 'Mageia',
  'rpm/openeuler': 'openEuler',
  'rpm/opensuse': 'openSUSE',
  'rpm/redhat': 'Red Hat',
  'rpm/rocky-linux': 'Rocky Linux',
  'rpm/suse': 'SUSE',
}

/** Where OSV knows a package, if it does.                          https://ossf.github.io/osv-schema/#affectedpackage-field */
export function ecosystemOf(purl: Purl): EcosystemPackage | undefined {
  const { type, namespace, name } = purl
  const place = `${type}/${namespace ?? ''}`
  if (Object.hasOwn(distributions, place)) return known(distributions[place], name)
  if (!Object.hasOwn(ecosystems, type)) return undefined
  const separator = type === 'maven' ? ':' : '/'
  return known(ecosystems[type], namespace === undefined ? name : `${namespace}${separator}${name}`)
}

function known(ecosystem: string | undefined, name: string): EcosystemPackage | undefined {
  return ecosystem === undefined ? undefined : { ecosystem, name }
}
