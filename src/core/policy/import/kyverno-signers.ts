import type { Fields } from './fields.ts'
import { readIdentity } from './identities.ts'
import { keyDraft, readPublicKey, splitPem, whyNotKey } from './keys.ts'
import type { Notes, SignerDraft } from './model.ts'

const elsewhere = 'lies elsewhere; export its public key and write it into the trust file'

/** `keys` of an attestor, or the fields of the oldest form. */
export function readKeys(fields: Fields, pem: string | undefined, hint: string): SignerDraft[] {
  for (const name of ['kms', 'secret', 'secretRef'])
    fields.skip(name, 'dropped', `the key ${elsewhere}`)
  const hash = fields.text('signatureAlgorithm') ?? fields.text('hashAlgorithm')
  readLogs(fields)
  fields.rest()
  if (pem === undefined) return []
  const blocks = splitPem(pem)
  if (blocks === undefined) {
    fields.note(
      'publicKeys',
      'dropped',
      `this is no public key in PEM; a reference to one ${elsewhere}`,
    )
    return []
  }
  return blocks.flatMap((block) => {
    const key = readPublicKey(block)
    const why = key === undefined ? 'no public key' : whyNotKey(key, hash)
    if (key !== undefined && why === undefined) return [keyDraft(key, hint)]
    fields.note('publicKeys', 'dropped', why ?? 'no public key')
    return []
  })
}

/** `keyless` of an attestor: one identity, or a list of them. */
export function readKeyless(fields: Fields, hint: string, notes: Notes): SignerDraft[] {
  readLogs(fields)
  const isOwnRoot = fields.text('roots') !== undefined
  if (isOwnRoot) {
    fields.note(
      'roots',
      'dropped',
      'a certificate authority alone is not believed; make a trusted root of it',
    )
  }
  for (const name of ['additionalExtensions', 'annotations']) {
    fields.skip(
      name,
      'looser',
      'what else the certificate says: write it under `certificate` of the identity',
    )
  }
  const listed = fields.objects('identities') ?? []
  const identities = [...(listed.length === 0 ? [fields] : listed)].flatMap((one) => {
    const identity = {
      issuer: one.text('issuer'),
      issuerRegExp: one.text('issuerRegExp'),
      subject: one.text('subject'),
      subjectRegExp: one.text('subjectRegExp'),
    }
    if (one !== fields) one.rest()
    const options = { root: 'public', hint, wildcards: true, path: one.path, notes }
    const draft = readIdentity(identity, options)
    return draft === undefined || isOwnRoot ? [] : [draft]
  })
  fields.rest()
  return identities
}

/** What a signature must have been entered into. */
export function readLogs(fields: Fields): void {
  for (const name of ['rekor', 'ctlog', 'tuf']) {
    const log = fields.object(name)
    if (log === undefined) continue
    for (const flag of ['ignoreTlog', 'ignoreSCT', 'insecureIgnoreTlog', 'insecureIgnoreSCT']) {
      if (log.flag(flag) === true) {
        log.note(flag, 'stricter', 'a certificate needs a log entry and an SCT here')
      }
    }
    for (const detail of [
      'url',
      'pubkey',
      'rekorPubKey',
      'ctLogPubKey',
      'tsaCertChain',
      'mirror',
      'root',
    ]) {
      log.skip(detail, 'dropped', 'which logs count is what the trusted root says')
    }
    log.rest()
  }
}
