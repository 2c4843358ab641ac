// C0 and C1 controls, and the marks that reorder or hide text: an artifact's name must not be able to draw on the terminal.
const unsafe =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]|\p{Cs}/gu

/** Makes a text safe to print on one or more lines: everything that is not visible text is spelled out. */
export function escape(text: string): string {
  return text.replace(unsafe, (character) => {
    const code = (character.codePointAt(0) ?? 0).toString(16)
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, '0')}`
  })
}

/** The same for a text that must stay on its line. */
export function escapeLine(text: string): string {
  return escape(text).replaceAll('\n', '\\n')
}

/** The same for JSON, which says what it said. Its own line feeds stay. */
export function escapeJson(json: string): string {
  return json.replace(unsafe, (character) =>
    Array.from({ length: character.length }, (_, at) => {
      const unit = character.charCodeAt(at).toString(16)
      return `\\u${unit.padStart(4, '0')}`
    }).join(''),
  )
}
