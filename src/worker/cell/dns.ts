/** A question that somebody asked the sinkhole. */
export interface DnsQuestion {
  /** Labels joined by dots, lower case; bytes outside printable ASCII as `\ddd`. */
  readonly name: string
  readonly type: number
}

const headerSize = 12
const maxName = 255
const response = 0x80
const opcodeMask = 0x78
const recursionDesired = 0x01
const recursionAvailable = 0x80
const noSuchName = 3
const malformed = 1

/**
 * Reads the first question of a DNS message. Undefined: this is not a query. The bytes come from the build, so every
 * length is checked, and compression (which a question never needs) is not followed.
 */
export function readQuestion(
  message: Buffer,
): { readonly question: DnsQuestion; readonly end: number } | undefined {
  if (message.length < headerSize + 5) return undefined
  if (((message[2] ?? 0) & (response | opcodeMask)) !== 0 || message.readUInt16BE(4) < 1)
    return undefined
  const labels: string[] = []
  let at = headerSize
  for (;;) {
    const length = message[at] ?? 0xff
    at += 1
    if (length === 0) break
    if (length > 63 || at + length > message.length || at + length - headerSize > maxName)
      return undefined
    labels.push(printable(message.subarray(at, at + length)))
    at += length
  }
  if (at + 4 > message.length) return undefined
  return { question: { name: labels.join('.'), type: message.readUInt16BE(at) }, end: at + 4 }
}

/** The answer to any message: there is no such name. Undefined when there is nothing to answer. */
export function answerTo(message: Buffer): Buffer | undefined {
  if (message.length < headerSize || ((message[2] ?? 0) & response) !== 0) return undefined
  const read = readQuestion(message)
  const answer = Buffer.alloc(read === undefined ? headerSize : read.end)
  message.copy(answer, 0, 0, answer.length)
  answer[2] = response | ((message[2] ?? 0) & (opcodeMask | recursionDesired))
  answer[3] = recursionAvailable | (read === undefined ? malformed : noSuchName)
  answer.writeUInt16BE(read === undefined ? 0 : 1, 4)
  answer.fill(0, 6, headerSize)
  return answer
}

function printable(label: Buffer): string {
  let text = ''
  for (const byte of label) {
    const plain = byte > 0x20 && byte < 0x7f && byte !== 0x2e && byte !== 0x5c
    text += plain ? String.fromCharCode(byte).toLowerCase() : `\\${String(byte).padStart(3, '0')}`
  }
  return text
}
