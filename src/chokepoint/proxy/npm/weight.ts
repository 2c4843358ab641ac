import { longKey } from '#document'

/** What a JSON text costs whoever reads it. */
export interface Weight {
  /** About how many bytes of memory it takes once it is read, and a little more. */
  readonly bytes: number
  /** Keys of more than `longKey` bytes. */
  readonly longKeys: number
}

/**
 * Weighs a JSON text before it is read: an empty list takes ten times as much memory as the two characters that it is written
 * with, and who publishes a package chooses what is in its description.
 */
export function weigh(text: Uint8Array): Weight {
  let bytes = text.length
  let longKeys = 0
  let lastLength = 0
  for (let at = 0; at < text.length; at += 1) {
    const byte = text[at]
    if (byte === quotation) {
      const end = endOfText(text, at)
      lastLength = end - at
      at = end
    } else if (byte === openBrace || byte === openBracket) bytes += ofContainer
    else if (byte === comma) bytes += ofMember
    else if (byte === colon) {
      bytes += ofMember
      longKeys += Number(lastLength > longKey)
    }
  }
  return { bytes, longKeys }
}

const [quotation, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a]
const [openBrace, openBracket] = [0x7b, 0x5b]
const ofContainer = 160
const ofMember = 40

/** Where the text that opens here is closed. */
function endOfText(bytes: Uint8Array, open: number): number {
  let at = open + 1
  for (; at < bytes.length && bytes[at] !== quotation; at += 1) if (bytes[at] === backslash) at += 1
  return at
}
