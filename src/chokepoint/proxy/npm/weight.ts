/**
 * About how many bytes of memory a JSON text takes once it is read, and a little more: an empty list takes ten times as
 * much as the two characters that it is written with, and who publishes a package chooses what is in its description.
 */
export function weightOf(bytes: Uint8Array): number {
  let weight = bytes.length
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at]
    if (byte === quotation) at = endOfText(bytes, at)
    else if (byte === openBrace || byte === openBracket) weight += ofContainer
    else if (byte === comma || byte === colon) weight += ofMember
  }
  return weight
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
