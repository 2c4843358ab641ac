import { encodeCanonical, parseJson, type Json } from '#document'
import { SallyportError } from '#error'

// Between the processes: 4 bytes of length, big-endian, then canonical JSON. Not Node's own channel, because that
// has no bound on a message and needs a variable in the environment of the child.

/** A provenance statement with a few thousand inputs has about one MiB. */
export const maxStatementBytes = 4 * 1024 * 1024
const maxFrameBytes = 8 * 1024 * 1024

export function frame(message: Json): Buffer {
  const body = encodeCanonical(message)
  if (body.length > maxFrameBytes) throw tooLarge(body.length)
  const head = Buffer.alloc(4)
  head.writeUInt32BE(body.length)
  return Buffer.concat([head, body])
}

/** Cuts a byte stream into messages; the length is checked before anything is kept. */
export class FrameReader {
  #pending: Buffer = Buffer.alloc(0)

  push(chunk: Uint8Array): Json[] {
    this.#pending = Buffer.concat([this.#pending, chunk])
    const messages: Json[] = []
    for (;;) {
      if (this.#pending.length < 4) return messages
      const length = this.#pending.readUInt32BE()
      if (length > maxFrameBytes) throw tooLarge(length)
      if (this.#pending.length < 4 + length) return messages
      messages.push(
        parseJson(this.#pending.subarray(4, 4 + length), {
          what: 'a message between the signer and its client',
          maxBytes: maxFrameBytes,
        }),
      )
      this.#pending = this.#pending.subarray(4 + length)
    }
  }
}

function tooLarge(bytes: number): SallyportError {
  return new SallyportError({
    code: 'SIGNER_MESSAGE',
    where: 'the message to the signer',
    expected: `at most ${maxFrameBytes} bytes`,
    found: `${bytes} bytes`,
    fix: 'Make the statement smaller; nothing that is signed is meant to be this large',
  })
}
