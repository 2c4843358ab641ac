import type { Statement } from '#attestation'
import { isSha256 } from '#document'
import { quote, type Problem } from '#error'

const maxSubjects = 1000

/** A statement is about bytes: each subject has a name of its own and a SHA-256 digest. */
export function checkSubjects({ subject }: Statement): Problem[] {
  if (subject.length > maxSubjects)
    return [refused('subject', `at most ${maxSubjects} subjects`, `${subject.length}`)]
  const names = subject.map(({ name }) => name)
  return subject.flatMap(({ name, digest }, index) => {
    const where = `subject[${index}]`
    const sha256 = digest?.['sha256'] ?? ''
    if ((name ?? '') === '') return [refused(`${where}.name`, 'a name', 'nothing')]
    if (!isSha256(sha256)) return [refused(`${where}.digest`, 'a SHA-256 digest', quote(digest))]
    if (names.indexOf(name) === index) return []
    return [refused(`${where}.name`, 'a name of its own for each subject', `${quote(name)} twice`)]
  })
}

function refused(where: string, expected: string, found: string): Problem {
  const fix = 'Hash every output with SHA-256 and give each a name of its own'
  return { code: 'SIGNER_SUBJECT', where, expected, found, fix }
}
