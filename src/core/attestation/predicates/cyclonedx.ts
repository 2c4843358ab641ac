import { quote } from '#error'
import type { Json, JsonObject } from '#document'
import { readDigestSet, type DigestSet } from '../digest-set.ts'
import {
  compact,
  field,
  optional,
  readName,
  readObject,
  readText,
  refuse,
  required,
  tooMuch,
  wrongField,
} from '../field.ts'
import { readTime } from '../time.ts'
import {
  checkCitations,
  checkComponent,
  checkDependency,
  checkLicenses,
  checkMetadata,
  checkServices,
  cycloneDxVersions,
  type CycloneDxVersion,
} from './cyclonedx-checks.ts'
import { readCycloneDxVex } from './cyclonedx-vex.ts'
import { maxComponents, maxRelationships, type Sbom, type SbomComponent } from './sbom-types.ts'
import { distinct, objectOrNothing, optionalText, purlOrNothing, readItems } from './text.ts'
import type { Vex } from './vex-types.ts'

/** A document may say what is inside, what that means for vulnerabilities, or both. */
export interface CycloneDx {
  readonly sbom: Sbom
  readonly vex: Vex
}

/** Reads a document that is about the subjects.              https://cyclonedx.org/specification/overview */
export function readCycloneDx(
  bom: JsonObject,
  subjects: readonly DigestSet[],
  where: string,
): CycloneDx {
  const version = readVersion(bom, where)
  const metadata = optional(bom, 'metadata', where, readObject) ?? {}
  checkMetadata(metadata, version, `${where}.metadata`)
  checkServices(bom, version, where)
  if (version >= '1.7') checkCitations(bom, where)
  const reader = new ComponentReader(version)
  const root = field(metadata, 'component')
  const described = root === undefined ? [] : reader.readTree(root, `${where}.metadata.component`)
  const inside = readItems(bom, 'components', where, maxComponents, (value, place) =>
    reader.readTree(value, place),
  ).flat()
  const sbom = compact<Sbom>({
    format: `cyclonedx-${version}`,
    id: readSerialNumber(bom, where),
    createdOn: optional(metadata, 'timestamp', `${where}.metadata`, readTime),
    described: described.slice(0, 1),
    components: [...described.slice(1), ...inside],
    dependencies: readItems(bom, 'dependencies', where, maxRelationships, (value, place) =>
      checkDependency(value, version, place),
    ),
  })
  return { sbom, vex: readCycloneDxVex(bom, sbom, subjects, where) }
}

function readVersion(bom: JsonObject, where: string): CycloneDxVersion {
  const format = required(bom, 'bomFormat', where, readText)
  if (format !== 'CycloneDX') throw wrongField(`${where}.bomFormat`, '"CycloneDX"', format)
  const text = required(bom, 'specVersion', where, readText)
  const number = field(bom, 'version')
  if (number !== undefined && !(Number.isSafeInteger(number) && Number(number) >= 1)) {
    throw wrongField(`${where}.version`, 'an integer from 1', number)
  }
  const version = cycloneDxVersions.find((known) => known === text)
  if (version !== undefined) return version
  throw refuse(
    'ATTESTATION_PREDICATE_TYPE',
    `${where}.specVersion`,
    `one of ${cycloneDxVersions.join(', ')}`,
    quote(text, 40),
    'Write the document in CycloneDX 1.7, or read it with a version of Sallyport that knows it',
  )
}

const serialForm = /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

function readSerialNumber(bom: JsonObject, where: string): string | undefined {
  const serial = optional(bom, 'serialNumber', where, readText)
  if (serial === undefined || serialForm.test(serial)) return serial
  throw wrongField(`${where}.serialNumber`, 'urn:uuid: and a UUID in lower case', serial)
}

/** Reads components with the components inside them, and counts them. */
class ComponentReader {
  readonly #version: CycloneDxVersion
  #count = 0

  constructor(version: CycloneDxVersion) {
    this.#version = version
  }

  /** The component first, then those inside it. */
  readTree(value: Json | undefined, where: string): readonly SbomComponent[] {
    const found: SbomComponent[] = []
    this.#collect(value, where, found)
    return found
  }

  #collect(value: Json | undefined, where: string, found: SbomComponent[]): void {
    this.#count += 1
    if (this.#count > maxComponents) {
      throw tooMuch(where, `at most ${maxComponents} components`, this.#count)
    }
    const object = readObject(value, where)
    checkComponent(object, this.#version, where)
    checkLicenses(object, this.#version, where)
    found.push(readComponent(object, where))
    readItems(object, 'components', where, maxComponents, (inner, place) =>
      this.#collect(inner, place, found),
    )
  }
}

function readComponent(object: JsonObject, where: string): SbomComponent {
  const group = optionalText(object, 'group', where)
  const name = required(object, 'name', where, readText)
  return compact<SbomComponent>({
    id: optionalText(object, 'bom-ref', where) ?? where,
    name: group === undefined ? name : `${group}/${name}`,
    version: optionalText(object, 'version', where),
    purl: purlOrNothing(field(object, 'purl')),
    digests: readHashes(object, where),
    license: licenseOf(object, where),
  })
}

const algorithms: Readonly<Record<string, string>> = {
  MD5: 'md5',
  'SHA-1': 'sha1',
  'SHA-256': 'sha256',
  'SHA-384': 'sha384',
  'SHA-512': 'sha512',
  'SHA3-256': 'sha3_256',
  'SHA3-384': 'sha3_384',
  'SHA3-512': 'sha3_512',
  'BLAKE2b-256': 'blake2b_256',
  'BLAKE2b-384': 'blake2b_384',
  'BLAKE2b-512': 'blake2b',
  BLAKE3: 'blake3',
  'Streebog-256': 'streebog256',
  'Streebog-512': 'streebog512',
}
const hashForm =
  /^(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64}|[0-9a-fA-F]{96}|[0-9a-fA-F]{128})$/

function readHashes(object: JsonObject, where: string): DigestSet {
  const hashes = readItems(object, 'hashes', where, 100, (value, place) => {
    const hash = readObject(value, place)
    const name = required(hash, 'alg', place, readName)
    const algorithm = Object.hasOwn(algorithms, name) ? algorithms[name] : undefined
    if (algorithm === undefined) {
      throw wrongField(`${place}.alg`, `one of ${Object.keys(algorithms).join(', ')}`, name)
    }
    const content = required(hash, 'content', place, readText)
    if (!hashForm.test(content))
      throw wrongField(`${place}.content`, 'a hash in hexadecimal', content)
    return [algorithm, content.toLowerCase()] as const
  })
  return readDigestSet(Object.fromEntries(hashes), `${where}.hashes`)
}

/** Several licences without an expression: who gives them does not say "or", so all of them hold. */
function licenseOf(object: JsonObject, where: string): string | undefined {
  const choices = readItems(object, 'licenses', where, 1_000, readChoice)
  const concluded = choices.filter(({ isConcluded }) => isConcluded)
  const texts = distinct((concluded.length > 0 ? concluded : choices).map(({ text }) => text))
  if (texts.length < 2) return texts[0]
  return texts.map((text) => (/\bor\b/i.test(text) ? `(${text})` : text)).join(' AND ')
}

function readChoice(value: Json | undefined, where: string) {
  const choice = readObject(value, where)
  const license = objectOrNothing(field(choice, 'license')) ?? {}
  const text = field(choice, 'expression') ?? field(license, 'id') ?? field(license, 'name')
  const said = field(choice, 'acknowledgement') ?? field(license, 'acknowledgement')
  return { text: typeof text === 'string' ? text : '', isConcluded: said === 'concluded' }
}
