import { quote } from '#error'
import type { Purl } from './purl.ts'
import { notPurl } from './purl-problem.ts'

type Part = 'namespace' | 'name' | 'version'

/** What a type says about its parts; what it does not say is free. */
interface TypeRule {
  readonly namespace?: 'required' | 'prohibited'
  readonly version?: 'required'
  /** Parts in which case means nothing: written in lower case. */
  readonly lower?: readonly Part[]
  readonly upper?: readonly Part[]
  readonly nameForm?: RegExp
  readonly versionForm?: RegExp
  /** Qualifiers without which the package is not identified. */
  readonly qualifiers?: readonly string[]
  readonly rename?: (name: string, purl: Purl) => string
  /** What else must hold; says what is wrong. */
  readonly check?: (purl: Purl) => string | undefined
}

const both = ['namespace', 'name'] as const

/** The types that say something.                    https://github.com/package-url/purl-spec/tree/main/types */
const types: Readonly<Record<string, TypeRule>> = {
  alpm: { lower: both },
  apk: { lower: both },
  bazel: { namespace: 'prohibited' },
  bitbucket: { lower: both },
  bitnami: { namespace: 'prohibited', lower: ['name'] },
  brew: { lower: both },
  cargo: { namespace: 'prohibited' },
  'chrome-extension': {
    namespace: 'prohibited',
    nameForm: /^[a-p]{32}$/,
    versionForm: /^\d+(?:\.\d+){0,3}$/,
  },
  cocoapods: { namespace: 'prohibited', nameForm: /^[^\s+.][^\s+]*$/ },
  composer: { lower: both },
  conan: { check: checkConan },
  conda: { namespace: 'prohibited' },
  cpan: { upper: ['namespace'], nameForm: /^(?!.*::)/ },
  cran: { namespace: 'prohibited', version: 'required' },
  deb: { lower: both },
  git: { namespace: 'required' },
  gitee: { lower: both },
  github: { namespace: 'required', lower: both },
  gitlab: { lower: both },
  golang: { lower: both },
  hackage: { namespace: 'prohibited' },
  hex: { lower: both },
  huggingface: { lower: ['version'] },
  julia: { namespace: 'prohibited', qualifiers: ['uuid'] },
  luarocks: { lower: both },
  maven: { namespace: 'required' },
  mlflow: { namespace: 'prohibited', rename: mlflowName },
  npm: { lower: both, nameForm: /^[^._]/ },
  oci: { namespace: 'prohibited', lower: ['name'] },
  opam: { namespace: 'prohibited' },
  otp: { namespace: 'prohibited', lower: ['name'] },
  pub: {
    namespace: 'prohibited',
    lower: ['name'],
    rename: (name) => name.replaceAll('-', '_'),
    nameForm: /^[a-z0-9_]+$/,
  },
  pypi: {
    namespace: 'prohibited',
    lower: ['name', 'version'],
    rename: (name) => name.replace(/[-_.]+/g, '-'),
  },
  qpkg: { lower: ['namespace'] },
  rpm: { lower: ['namespace'] },
  swid: { qualifiers: ['tag_id'] },
  swift: { namespace: 'required' },
  vcpkg: { namespace: 'prohibited' },
  'vscode-extension': { namespace: 'required', lower: ['namespace', 'name', 'version'] },
}

/** The parts as the type writes them; refuses what it prohibits and what lacks what it requires. */
export function normalised(purl: Purl, text: string): Purl {
  const rule = Object.hasOwn(types, purl.type) ? types[purl.type] : undefined
  if (rule === undefined) return purl
  const cased = { ...purl, ...inCase(purl, rule) }
  const result = { ...cased, name: rule.rename?.(cased.name, cased) ?? cased.name }
  const problem = problemOf(result, rule)
  if (problem === undefined) return result
  throw notPurl(text, `a package of type ${purl.type} with ${problem.expected}`, problem.found)
}

function inCase(purl: Purl, { lower = [], upper = [] }: TypeRule): Partial<Purl> {
  const changed = (parts: readonly Part[], change: (part: string) => string) =>
    parts.flatMap((part) => {
      const value = purl[part]
      return value === undefined ? [] : [[part, change(value)] as const]
    })
  return Object.fromEntries([
    ...changed(lower, (part) => part.toLowerCase()),
    ...changed(upper, (part) => part.toUpperCase()),
  ])
}

interface Mismatch {
  readonly expected: string
  readonly found: string
}

function problemOf(purl: Purl, rule: TypeRule): Mismatch | undefined {
  const { namespace, name, version, qualifiers } = purl
  if (rule.namespace === 'required' && namespace === undefined) {
    return { expected: 'a namespace', found: 'none' }
  }
  if (rule.namespace === 'prohibited' && namespace !== undefined) {
    return { expected: 'no namespace', found: quote(namespace) }
  }
  if (rule.version === 'required' && version === undefined) {
    return { expected: 'a version', found: 'none' }
  }
  const missing = rule.qualifiers?.find((key) => qualifiers?.[key] === undefined)
  if (missing !== undefined) return { expected: `the qualifier ${missing}`, found: 'none' }
  return formProblem(name, version, rule) ?? checkProblem(purl, rule)
}

function formProblem(
  name: string,
  version: string | undefined,
  { nameForm, versionForm }: TypeRule,
): Mismatch | undefined {
  if (nameForm !== undefined && !nameForm.test(name)) {
    return { expected: `a name that matches ${nameForm.source}`, found: quote(name) }
  }
  if (version === undefined || versionForm === undefined || versionForm.test(version))
    return undefined
  return { expected: `a version that matches ${versionForm.source}`, found: quote(version) }
}

function checkProblem(purl: Purl, rule: TypeRule): Mismatch | undefined {
  const expected = rule.check?.(purl)
  return expected === undefined ? undefined : { expected, found: 'only one of them' }
}

/** A user and a channel belong together; without them the package is in the centre. */
function checkConan({ namespace, qualifiers }: Purl): string | undefined {
  if (namespace === undefined && qualifiers?.['channel'] !== undefined) {
    return 'a namespace beside the qualifier channel'
  }
  return namespace !== undefined && qualifiers === undefined
    ? 'qualifiers beside its namespace'
    : undefined
}

/** Databricks does not distinguish case in names of models; others do. */
function mlflowName(name: string, { qualifiers }: Purl): string {
  const isDatabricks = /^(?:https?:\/\/)?[^/]*databricks\.(?:net|com)(?:\/|$)/i.test(
    qualifiers?.['repository_url'] ?? '',
  )
  return isDatabricks ? name.toLowerCase() : name
}
